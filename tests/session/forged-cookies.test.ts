import { CompactEncrypt, decodeProtectedHeader, EncryptJWT } from "jose";
import { describe, expect, test } from "vitest";
import { COOKIE, createWorld, outcome, SECRET } from "../support/edge-world";

const OTHER_SECRET = "another-secret-of-more-than-thirty-two-chars";

describe("a cookie is no session when it", () => {
  /** The derived key and `kid` of a world's cookies, as Auth.js derives them. */
  const keyOf = async (secret: string): Promise<Uint8Array<ArrayBuffer>> => {
    const utf8 = new TextEncoder();
    const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveBits"]);
    const info = utf8.encode(`Auth.js Generated Encryption Key (${COOKIE})`);
    const algorithm = { name: "HKDF", hash: "SHA-256", salt: utf8.encode(COOKIE), info };
    return new Uint8Array(await crypto.subtle.deriveBits(algorithm, material, 512));
  };

  interface Forge {
    claims: Record<string, unknown>;
    key: Uint8Array<ArrayBuffer>;
    kid: string;
    exp: number;
  }
  const jwe = ({ claims, key, kid, exp }: Forge, header = {}): Promise<string> =>
    new EncryptJWT({ exp, ...claims })
      .setProtectedHeader({ alg: "dir", enc: "A256CBC-HS512", kid, ...header })
      .encrypt(key);
  const withGateway = ({ claims }: Forge, change: Record<string, unknown>): Record<string, unknown> => ({
    ...claims,
    gateway: { ...(claims.gateway as object), ...change },
  });
  const flip = (sealed: string, part: number): string => {
    const parts = sealed.split(".");
    const text = parts[part] ?? "";
    const middle = Math.floor(text.length / 2);
    parts[part] = `${text.slice(0, middle)}${text[middle] === "A" ? "B" : "A"}${text.slice(middle + 1)}`;
    return parts.join(".");
  };
  /** Sets one of the bits that base64url of 32 bytes leaves over. */
  const respelled = (sealed: string): string => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return `${sealed.slice(0, -1)}${alphabet[alphabet.indexOf(sealed.slice(-1)) + 1]}`;
  };
  const tokens = (change: Record<string, unknown>) => (forge: Forge) => {
    const own = (forge.claims.gateway as { tokens: object }).tokens;
    return jwe({ ...forge, claims: withGateway(forge, { tokens: { ...own, ...change } }) });
  };
  const claims = (change: Record<string, unknown>) => (forge: Forge) =>
    jwe({ ...forge, claims: withGateway(forge, change) });

  test("control: forged with all in order it is one", async () => {
    expect(await attempt((forge) => jwe(forge))).toBe("200");
  });

  const forgeries: [string, (forge: Forge) => Promise<string> | string][] = [
    ["is encrypted with A256GCM", (f) => jwe({ ...f, key: f.key.slice(0, 32) }, { enc: "A256GCM" })],
    ["wraps its key by A256KW", (f) => jwe({ ...f, key: f.key.slice(0, 32) }, { alg: "A256KW" })],
    ["wraps its key by PBES2", (f) => jwe(f, { alg: "PBES2-HS256+A128KW" })],
    ["names another kid", (f) => jwe({ ...f, kid: "x" })],
    ["names no kid", (f) => jwe(f, { kid: undefined })],
    ["is sealed with another secret", async (f) => jwe({ ...f, key: await keyOf(OTHER_SECRET) })],
    ["has no exp", (f) => jwe({ ...f, claims: { ...f.claims, exp: undefined } })],
    ["has an exp that is no number", (f) => jwe({ ...f, claims: { ...f.claims, exp: "2099" as unknown } })],
    ["has expired 15 s ago", (f) => jwe({ ...f, claims: { ...f.claims, exp: f.exp - 3600 - 15 } })],
    ["is not valid yet", (f) => jwe({ ...f, claims: { ...f.claims, nbf: f.exp } })],
    ["has no claims of ours", (f) => jwe({ ...f, claims: { sub: "ada" } })],
    ["has null for our claims", (f) => jwe({ ...f, claims: { ...f.claims, gateway: null } })],
    ["has a string for our claims", (f) => jwe({ ...f, claims: { ...f.claims, gateway: "x" } })],
    ["has a short sid", claims({ sid: "short" })],
    ["has a number for its sid", claims({ sid: 1e30 })],
    ["has generation 0", claims({ generation: 0 })],
    ["has a fraction for its generation", claims({ generation: 1.5 })],
    ["has a string for its generation", claims({ generation: "1" })],
    ["has no provider", claims({ provider: undefined })],
    ["has no token set member", claims({ tokens: undefined })],
    ["has a string for its token set", claims({ tokens: "x" })],
    ["has a number for its access token", tokens({ accessToken: 1 })],
    ["has a string for its expiry", tokens({ expiresAtSeconds: "1" })],
    ["lacks a lifetime", tokens({ lifetimeSeconds: undefined })],
    ["has a number for its refresh token", tokens({ refreshToken: 1 })],
    ["has a list for its scope", tokens({ scope: [] })],
    ["has a changed header", async (f) => flip(await jwe(f), 0)],
    ["has a changed IV", async (f) => flip(await jwe(f), 2)],
    ["has a changed ciphertext", async (f) => flip(await jwe(f), 3)],
    ["has a changed tag", async (f) => flip(await jwe(f), 4)],
    ["has a tag cut short by two bytes", async (f) => (await jwe(f)).slice(0, -3)],
    ["has an empty tag", async (f) => (await jwe(f)).replace(/[^.]+$/, "")],
    ["has a tag with bytes after it", async (f) => `${(await jwe(f)).slice(0, -3)}AAAAAAA`],
    ["has an IV of 12 bytes", async (f) => (await jwe(f)).replace(/\.\.[^.]+/, "..AAAAAAAAAAAAAAAA")],
    ["spells its tag a second way", async (f) => respelled(await jwe(f))],
    ["has an encrypted key", async (f) => (await jwe(f)).replace("..", ".AAAA.")],
    ["has a sixth part", async (f) => `${await jwe(f)}.AAAA`],
    ["lacks its last part", async (f) => (await jwe(f)).split(".").slice(0, 4).join(".")],
    ["is a signed JWT", () => "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."],
    ["is no JWE", () => "hello"],
    ["is percent signs", () => "%00%ff%"],
    ["is empty", () => ""],
    [
      "is compressed",
      async (f) => {
        const parts = (await jwe(f)).split(".");
        return [
          btoa(JSON.stringify({ ...decodeProtectedHeader(parts.join(".")), zip: "DEF" })),
          ...parts.slice(1),
        ].join(".");
      },
    ],
    ["carries zip under a good tag", (f) => sealRaw(f, { zip: "DEF" })],
    ["names another alg under a good tag", (f) => sealRaw(f, { alg: "A256KW" })],
    ["names another enc under a good tag", (f) => sealRaw(f, { enc: "A256GCM" })],
    ["carries an unknown crit under a good tag", (f) => sealRaw(f, { crit: ["b64"], b64: true })],
    [
      "holds no JSON",
      (f) => new CompactEncrypt(new TextEncoder().encode("hello")).setProtectedHeader(header(f)).encrypt(f.key),
    ],
    [
      "holds no UTF-8",
      (f) => new CompactEncrypt(Uint8Array.of(0x22, 0xff, 0x22)).setProtectedHeader(header(f)).encrypt(f.key),
    ],
    [
      "holds null",
      (f) => new CompactEncrypt(new TextEncoder().encode("null")).setProtectedHeader(header(f)).encrypt(f.key),
    ],
    [
      "holds a list",
      (f) => new CompactEncrypt(new TextEncoder().encode("[]")).setProtectedHeader(header(f)).encrypt(f.key),
    ],
  ];

  const header = ({ kid }: Forge) => ({ alg: "dir", enc: "A256CBC-HS512", kid });

  test.each(forgeries)("%s", async (_, forge) => {
    expect(await attempt(forge)).toBe("401 session_required");
  });

  async function attempt(forge: (forge: Forge) => Promise<string> | string): Promise<string> {
    const world = createWorld();
    const ada = await world.signIn();
    const { kid } = decodeProtectedHeader(ada.jar.value());
    const exp = world.clock.nowMs / 1000 + 3600;
    const sealed = await forge({ claims: ada.claims, key: await keyOf(SECRET), kid: String(kid), exp });
    const response = await world.ask("/backend/orders", { cookie: `${COOKIE}=${sealed}` });
    expect(world.backend.calls.length).toBe(response.status === 200 ? 1 : 0);
    return outcome(response);
  }

  /** By hand, because jose seals no header that it could not open: RFC 7518 section 5.2.2.1. */
  async function sealRaw({ claims: payload, key, kid, exp }: Forge, extra: Record<string, unknown>): Promise<string> {
    const utf8 = new TextEncoder();
    const b64 = (bytes: Uint8Array): string =>
      btoa(String.fromCharCode(...bytes))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replaceAll("=", "");
    const head = b64(utf8.encode(JSON.stringify({ alg: "dir", enc: "A256CBC-HS512", kid, ...extra })));
    const iv = crypto.getRandomValues(new Uint8Array(16));
    const hmac = { name: "HMAC", hash: "SHA-512" };
    const mac = await crypto.subtle.importKey("raw", key.slice(0, 32), hmac, false, ["sign"]);
    const aes = await crypto.subtle.importKey("raw", key.slice(32), "AES-CBC", false, ["encrypt"]);
    const plaintext = utf8.encode(JSON.stringify({ ...payload, exp }));
    const ciphertext = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, aes, plaintext));
    const length = new Uint8Array(8);
    new DataView(length.buffer).setUint32(4, head.length * 8);
    const signed = new Uint8Array([...utf8.encode(head), ...iv, ...ciphertext, ...length]);
    const tag = new Uint8Array(await crypto.subtle.sign("HMAC", mac, signed)).slice(0, 32);
    return [head, "", b64(iv), b64(ciphertext), b64(tag)].join(".");
  }

  test("control: sealed by hand without an extra header member it is one", async () => {
    expect(await attempt((forge) => sealRaw(forge, {}))).toBe("200");
  });
});
