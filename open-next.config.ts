import { defineCloudflareConfig, type OpenNextConfig } from "@opennextjs/cloudflare";

const config: OpenNextConfig = {
  ...defineCloudflareConfig(),
  // `npm run build` also measures the bundle of `next start`'s middleware, which is not the one built here.
  buildCommand: "npx next build",
};

export default config;
