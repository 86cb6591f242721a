/** Where Auth.js's routes live; the gateway's middleware and the provider's callback URL count on it. */
export const AUTH_BASE_PATH = "/api/auth";
