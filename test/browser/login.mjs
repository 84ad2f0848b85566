// Over TLS, with tokens: what each role may do, and what a stolen cookie is good for.
import { check, equal, newPage, url, withBrowser } from "./page.mjs";

const node = url + "/nodes/db01.example.com";

async function login(browser, token) {
  const page = await newPage(browser);
  await page.goto(node);
  check(page.url().startsWith(url + "/login"), "who is nobody is at", page.url());
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  return page;
}

async function post(page, path, form) {
  return page.evaluate(async ([path, form]) => (await fetch(path, { method: "POST", body: new URLSearchParams(form), redirect: "manual" })).status, [path, form]);
}

await withBrowser(async (browser) => {
  const stranger = await login(browser, "nonsense");
  check((await stranger.getByRole("alert").innerText()).includes("no such token"), "a wrong token is not told");

  const viewer = await login(browser, process.env.VIEWER);
  await viewer.waitForURL(node);
  equal(await viewer.getByRole("button", { name: "Acknowledge" }).count(), 0, "a viewer's buttons");
  const own = await viewer.locator("header input[name=form]").inputValue();
  equal(await post(viewer, node + "/acknowledge", { form: own, trouble: "failing" }), 403, "a viewer acknowledges");
  equal(await post(viewer, node + "/retire", { form: own }), 403, "a viewer retires");

  const operator = await login(browser, process.env.OPERATOR);
  await operator.waitForURL(node);
  const thief = await newPage(browser);
  await thief.context().addCookies(await operator.context().cookies());
  await thief.goto(url + "/");
  equal(await post(thief, node + "/retire", {}), 403, "a stolen cookie without the form's secret");
  const cookie = (await operator.context().cookies())[0];
  check(cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict" && cookie.name.startsWith("__Host-"), "the cookie is", JSON.stringify(cookie));
  await operator.getByRole("button", { name: "Acknowledge" }).first().click();
  await operator.locator("main", { hasText: "token op looks after it" }).waitFor();

  await operator.getByRole("button", { name: "Log out" }).click();
  await operator.waitForURL(url + "/login");
  await thief.goto(node);
  check(thief.url().startsWith(url + "/login"), "a session that was ended still counts");
});
