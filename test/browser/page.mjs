// What all flows need: a browser, pages that tell of everything that goes wrong in them, and checks.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const modules = createRequire(process.env.MODULES + "/package.json");
const { chromium } = modules("playwright-core");
const axeSource = readFileSync(modules.resolve("axe-core/axe.min.js"), "utf8");

export const url = process.env.URL;

let failures = 0;

export function check(holds, ...what) {
  if (holds) return;
  failures++;
  console.error("FAIL:", ...what);
}

export function equal(got, want, ...what) {
  check(JSON.stringify(got) === JSON.stringify(want), ...what, "got", JSON.stringify(got), "want", JSON.stringify(want));
}

// withBrowser ends the browser and the process, whatever becomes of the flow.
export async function withBrowser(flow) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    await flow(browser);
  } catch (e) {
    check(false, e.stack);
  } finally {
    await browser.close();
  }
  process.exit(failures ? 1 : 0);
}

// newPage complains of scripts that were refused, errors, dialogs, and requests that leave.
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, timezoneId: "UTC", locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10000);
  page.on("console", (m) => { if (m.type() === "error" && !/Failed to load resource/.test(m.text())) check(false, "console:", m.text(), page.url()); });
  page.on("pageerror", (e) => check(false, "error in", page.url(), e.message));
  page.on("dialog", (d) => { check(false, "a dialog:", d.message()); d.dismiss(); });
  page.on("request", (r) => check(r.url().startsWith(url) || r.url().startsWith("data:"), "a request leaves:", r.url()));
  return page;
}

export async function axe(page, what) {
  await page.evaluate(axeSource); // the page's policy holds for what is in it, not for who drives it
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  for (const v of result.violations) {
    check(false, what, "axe:", v.id, v.help, v.nodes.slice(0, 3).map((n) => n.target + " " + n.failureSummary).join(" | "));
  }
}

// wellFormed holds for every page: nothing ran that nodes have said, and nothing is wider than the screen.
export async function wellFormed(page, what) {
  check(!(await page.evaluate(() => window.pwned)), what, "what a node said was executed");
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  check(wide <= screen, what, "is", wide, "wide on a screen of", screen);
  equal(await page.locator("h1").count(), 1, what, "headings");
}
