import type { PublicSession } from "../../session/auth-callbacks";
import type { GatewayClaims } from "../../session/session";

declare module "next-auth" {
  /** What the gateway adds to Auth.js's session. Never a token. */
  interface Session extends Pick<PublicSession, "gateway" | "error"> {
    user: PublicSession["user"];
  }
}

declare module "next-auth/jwt" {
  /** What the session cookie carries for the gateway; an app's callbacks are handed it without the tokens. */
  interface JWT {
    gateway: GatewayClaims;
  }
}

declare module "@auth/core/jwt" {
  interface JWT {
    gateway: GatewayClaims;
  }
}
