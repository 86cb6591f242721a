const stations = [
  { name: "Browser", role: "Holds an encrypted, HttpOnly cookie", line: 'fetch("/backend/echo")' },
  { name: "Gateway", role: "Opens the cookie, adds the token", line: "authorization: Bearer …" },
  { name: "Backend", role: "Sees the token, never the cookie", line: "GET /echo" },
];

/** The way of a request, as a picture. */
export function Flow() {
  return (
    <ol className="flow" aria-label="The way of a request">
      {stations.map(({ name, role, line }) => (
        <li key={name}>
          <strong>{name}</strong>
          <span>{role}</span>
          <code>{line}</code>
        </li>
      ))}
    </ol>
  );
}
