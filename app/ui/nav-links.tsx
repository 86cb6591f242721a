"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";

const links = [
  { href: "/", text: "Home" },
  { href: "/server-example", text: "Server" },
  { href: "/client-example", text: "Client" },
  { href: "/api-example", text: "API" },
  { href: "/middleware-example", text: "Middleware" },
];

/** The site's pages; the one that is open is marked. */
export function NavLinks() {
  const pathname = usePathname();
  return (
    <nav aria-label="Examples">
      <ul>
        {links.map(({ href, text }) => (
          <li key={href}>
            {/* No prefetch: each page is made for its visitor, and the server example calls the backend. */}
            <Link href={href} prefetch={false} aria-current={pathname === href ? "page" : undefined}>
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
