import type { Session } from "next-auth";

/** What to call a user: providers need not give a name, nor an e-mail address. */
export function userLabel({ name, email, id }: Session["user"]): string {
  return name || email || id || "Signed in";
}
