import { defineGateway } from "./edge";

/** Where `/backend/…` leads, and who remembers the sessions. `docs/configuration.md` has every option. */
export default defineGateway((env) => ({
  backends: {
    "/backend/": { url: env.BACKEND_URL, urlSetting: "BACKEND_URL" },
  },
}));
