"use server";

import { signIn, signOut } from "@/auth";

/** Starts a sign-in. The form's `provider` field names the provider; without it, Auth.js's page asks which. */
export async function signInAction(form: FormData): Promise<void> {
  const provider = form.get("provider");
  await signIn(typeof provider === "string" ? provider : undefined, { redirectTo: "/" });
}

/** Ends the session everywhere: also for a copy of its cookie. */
export async function signOutAction(): Promise<void> {
  await signOut({ redirectTo: "/" });
}
