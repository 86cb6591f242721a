/**
 * Everything that a page got, sent, wrote and holds, as text: to look for tokens in it.
 *
 * @param {import("playwright-core").BrowserContext} context
 */
export function recordContext(context) {
  /** @type {string[]} */
  const texts = [];
  /** @type {Promise<unknown>[]} */
  const pending = [];
  /** @type {{ method: string, url: string, headers: Record<string, string> }[]} */
  const requests = [];
  let bodies = 0;
  context.on("request", (request) => {
    const kept = { method: request.method(), url: request.url(), headers: request.headers() };
    requests.push(kept);
    texts.push(kept.url);
    // With the cookie and what else the browser adds itself; a request that is cut off has none.
    const all = request.allHeaders().catch(() => request.headers());
    pending.push(
      all.then((headers) => {
        kept.headers = headers;
        texts.push(asText(headers));
      }),
    );
  });
  context.on("response", (response) => {
    pending.push(response.allHeaders().then((headers) => texts.push(asText(headers)), ignore));
    // A redirect has no body to be asked for.
    const body = response.body().then((bytes) => {
      bodies += 1;
      texts.push(bytes.toString("latin1"));
    }, ignore);
    pending.push(body);
  });
  context.on("console", (message) => texts.push(message.text()));
  context.on("weberror", (error) => texts.push(String(error.error())));
  return {
    requests,
    bodies: () => bodies,
    /** All of it, once the answers that are still on their way have come. */
    async texts() {
      await Promise.all(pending);
      return texts;
    },
    /** @param {import("playwright-core").Page} page */
    async keepPage(page) {
      texts.push(await page.content(), JSON.stringify(await page.evaluate(readStores)));
    },
  };
}

/**
 * The headers as they left, those of requests too whose answer the browser hides from the page: playwright does not have
 * theirs.
 *
 * @param {import("playwright-core").Page} page
 */
export async function recordSentHeaders(page) {
  /** @type {Map<string, string>} */
  const pathById = new Map();
  /** @type {Map<string, Record<string, string>>} */
  const headersById = new Map();
  const devtools = await page.context().newCDPSession(page);
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => {
    pathById.set(requestId, new URL(request.url).pathname);
  });
  devtools.on("Network.requestWillBeSentExtraInfo", ({ requestId, headers }) => {
    headersById.set(requestId, lowerCased(headers));
  });
  await devtools.send("Network.enable");
  return {
    /** @param {string} path */
    to: (path) => headersById.get([...pathById].findLast(([, sentTo]) => sentTo === path)?.[0] ?? "") ?? {},
  };
}

/** @param {Record<string, string>} headers */
function lowerCased(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Runs in the page: all that script can reach. */
async function readStores() {
  const databases = await indexedDB.databases();
  return {
    cookie: document.cookie,
    local: Object.entries(localStorage),
    session: Object.entries(sessionStorage),
    databases: databases.map(({ name }) => name),
    caches: await caches.keys(),
    values: [...document.querySelectorAll("input")].map(({ value }) => value),
    history: history.state,
    name: window.name,
  };
}

/** @param {Record<string, string>} headers */
function asText(headers) {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

function ignore() {}
