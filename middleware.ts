import authConfig from "./auth.config";
import { gatewayMiddleware } from "./edge/host/next/middleware";
import gatewayConfig from "./gateway.config";

export default gatewayMiddleware({ auth: authConfig, gateway: gatewayConfig });

export const config = {
  // Everything but build output and files that are the same for everybody.
  matcher: ["/((?!_next/static|_next/image|favicon\\.ico$|icon\\.svg$).*)"],
};
