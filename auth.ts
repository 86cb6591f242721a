import NextAuth from "next-auth";
import authConfig from "./auth.config";
import { accessTokenReader } from "./edge/host/next/access-token";
import { withGateway } from "./edge/host/next/auth";
import gatewayConfig from "./gateway.config";

const sources = { auth: authConfig, gateway: gatewayConfig };

/** Auth.js for the Node side. A database adapter goes into `withGateway`'s second argument. */
export const { handlers, auth, signIn, signOut } = NextAuth(withGateway(sources));

/** The user's access token, for server code only. */
export const getAccessToken = accessTokenReader(sources);
