import type { Session } from "next-auth";
import { NavLinks } from "./nav-links";
import { userLabel } from "./user-label";

/** The top of every page: where to go, and who is signed in. */
export function SiteHeader({ user }: { user: Session["user"] | null }) {
  return (
    <header className="site-header">
      <div className="site-header-inner">
        <span className="brand">Edge token gateway</span>
        <NavLinks />
        <p className="who">
          {user ? (
            <>
              <span className="visually-hidden">Signed in as </span>
              <strong data-testid="user-name">{userLabel(user)}</strong>
            </>
          ) : (
            "Not signed in"
          )}
        </p>
      </div>
    </header>
  );
}
