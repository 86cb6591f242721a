import { connect, createServer } from "node:net";

/**
 * @typedef {{ name: string, variable: string, port: number }} Port
 */

/**
 * The ports of the demo, from the environment or by default.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {{ appPort: number }} defaults
 * @returns {{ app: Port, provider: Port, api: Port }}
 * @throws {Error} naming the variable that is no port, or two that are the same
 */
export function readPorts(env, { appPort }) {
  const ports = {
    app: readPort(env, { name: "the app", variable: "PORT", fallback: appPort }),
    provider: readPort(env, { name: "the provider", variable: "DEMO_PROVIDER_PORT", fallback: 4100 }),
    api: readPort(env, { name: "the API", variable: "DEMO_API_PORT", fallback: 4200 }),
  };
  const all = Object.values(ports);
  const double = all.find(({ port }, index) => all.findIndex((other) => other.port === port) !== index);
  if (double) throw new Error(`Port ${double.port} is given twice: ${double.variable} needs another one.`);
  return ports;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {{ name: string, variable: string, fallback: number }} options
 * @returns {Port}
 */
function readPort(env, { name, variable, fallback }) {
  const port = Number(env[variable] || fallback);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return { name, variable, port };
  throw new Error(`${variable} must be a port, 1 to 65535.`);
}

/**
 * @param {Iterable<Port>} ports
 * @throws {Error} naming each port that is taken and how to choose another
 */
export async function assertFree(ports) {
  const problems = [];
  for (const { name, variable, port } of ports) {
    if (await isFree(port)) continue;
    const other = port < 65535 ? port + 1 : port - 1;
    problems.push(`Port ${port}, for ${name}, is taken. Choose another one: ${variable}=${other} npm run demo`);
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

/**
 * Asked both ways: some systems let a second server listen on a loopback address of a port that is taken on all others.
 *
 * @param {number} port
 */
async function isFree(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    if ((await answers(port, host)) || !(await canListen(port, host))) return false;
  }
  return true;
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function answers(port, host) {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1000 });
    /** @param {boolean} answer */
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("timeout", () => done(false));
    socket.once("error", () => done(false));
  });
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
function canListen(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      // A machine without this address family has nobody on its ports.
      resolve(error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT");
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
