import type { NextConfig } from "next";
import { withGateway } from "./edge/host/next/config";

const config: NextConfig = { poweredByHeader: false };

export default withGateway(config);
