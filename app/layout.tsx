import type { Metadata, Viewport } from "next";
import { connection } from "next/server";
import type { ReactNode } from "react";
import { auth } from "@/auth";
import { SiteHeader } from "./ui/site-header";
import "./globals.css";
import "./ui/components.css";

export const metadata: Metadata = {
  title: { default: "Edge token gateway", template: "%s · Edge token gateway" },
  description: "Example app: the browser calls an API, and never holds the access token.",
};

export const viewport: Viewport = {
  colorScheme: "light dark",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f6f7f9" },
    { media: "(prefers-color-scheme: dark)", color: "#0f1318" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  // The header depends on who asks: nothing below may be rendered at build time, where there are no settings either.
  await connection();
  const session = await auth();
  return (
    <html lang="en">
      <body>
        <a className="skip-link" href="#content">
          Skip to content
        </a>
        <SiteHeader user={session?.user ?? null} />
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}
