import authConfig from "@/auth.config";
import { signInAction } from "./session-actions";

/** One button for each configured provider. It is a plain form: it works before, and without, any script. */
export function SignIn({ testId = "sign-in" }: { testId?: string }) {
  const providers = configuredProviders();
  if (providers.length === 0) {
    return <p className="notice">No sign-in provider is configured: set one of the AUTH_… groups of .env.example.</p>;
  }
  return (
    <div className="actions">
      {providers.map(({ id, name }) => (
        <form key={id} action={signInAction}>
          <input type="hidden" name="provider" value={id} />
          <button type="submit" className="primary" data-testid={testId}>
            {providers.length === 1 ? "Sign in" : `Sign in with ${name}`}
          </button>
        </form>
      ))}
    </div>
  );
}

function configuredProviders(): { id: string; name: string }[] {
  return authConfig(process.env).providers.map((source) => {
    const { id, name } = typeof source === "function" ? source() : source;
    return { id, name };
  });
}
