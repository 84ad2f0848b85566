// What an operator does: from the overview to the cause, and what is to be done about it.
import { check, equal, newPage, url, withBrowser } from "./page.mjs";

async function findTheCause(page) {
  await page.goto(url + "/");
  await page.getByRole("link", { name: "failed", exact: false }).first().click();
  await page.waitForURL(/outcome=failed/);
  await page.getByRole("link", { name: "db01.example.com" }).click();
  check((await page.locator("main").innerText()).includes("init.pp:42"), "a node's page lacks the line");
  await page.locator(".strip a").last().click();
  check((await page.locator("h1").innerText()).startsWith("Run of db01"), "a cell of the strip leads elsewhere");
  await page.getByRole("link", { name: "File[/etc/app/config.yaml]" }).click();
  equal(await page.locator("tbody tr").count(), 1, "nodes where the resource fails");
}

async function search(page) {
  await page.goto(url + "/nodes");
  await page.keyboard.press("/");
  await page.keyboard.type("CACHE1");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=CACHE1/);
  equal(await page.locator("tbody tr").count(), 10, "found nodes");
  await page.getByRole("link", { name: "Took" }).click();
  check(page.url().includes("q=CACHE1") && page.url().includes("sort=-took"), "a sort forgets the search", page.url());
  await page.goto(url + "/nodes");
  await page.getByRole("link", { name: "Next" }).click();
  check((await page.locator(".pager").innerText()).includes("Page 2 of 2"), "there is no second page");
}

// Times are the reader's, with the node's own beside.
async function zones(browser) {
  const page = await newPage(browser, { timezoneId: "Asia/Tokyo" });
  await page.goto(url + "/nodes/db01.example.com");
  const cell = page.locator("tbody th").first();
  const time = cell.locator("time");
  const at = new Date(await time.getAttribute("datetime"));
  const hour = (offset) => String((at.getUTCHours() + offset) % 24).padStart(2, "0");
  const text = await cell.innerText();
  check(text.includes(hour(9) + ":") && /GMT\+9|JST/.test(text), "the reader's time is", text);
  check(text.includes(`${hour(1)}:`) && text.includes("UTC+01:00 on the node"), "the node's time is", text);
  check((await time.getAttribute("title")).endsWith("UTC"), "UTC is not told");
  await page.context().close();
}

// Everything is reached by the keyboard, and one sees where one is.
async function keyboard(page) {
  await page.goto(url + "/nodes/db01.example.com");
  const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary, [tabindex='0']")].filter((e) => e.checkVisibility()).length);
  const seen = new Set();
  for (let i = 0; i < wanted + 30; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body) return null;
      return { key: [...document.querySelectorAll("*")].indexOf(e), outline: getComputedStyle(e).outlineStyle };
    });
    if (!at) continue;
    check(at.outline !== "none", "the focus is not seen on element", at.key);
    seen.add(at.key);
  }
  check(seen.size >= wanted, "by the keyboard one reaches", seen.size, "of", wanted);
}

// A new run is shown without that anybody loads the page, and takes nothing from who types.
async function live(browser) {
  const page = await newPage(browser);
  await page.clock.install();
  await page.goto(url + "/nodes/db01.example.com");
  const runs = await page.locator(".strip li").count();
  const id = "0198b4a0-0000-7000-8000-00000000" + (0xf000 + Math.floor(Math.random() * 0xfff)).toString(16);
  const now = new Date();
  const answer = await page.request.put(url + "/v1/runs/" + id, { data: {
    schema: 1, id, certname: "db01.example.com", trigger: "manual", started: now, ended: now, outcome: "errored", reason: "server_busy", message: "come later",
  } });
  equal(answer.status(), 201, "putting a run");
  const comment = page.locator("input[name=comment]").first();
  await comment.fill("half a sen");
  await page.clock.runFor(31000);
  equal(await page.locator(".strip li").count(), runs, "cells while somebody types");
  equal(await comment.inputValue(), "half a sen", "what was typed");
  await comment.fill("");
  await page.locator("h1").click();
  await page.clock.runFor(16000);
  await page.locator("main", { hasText: "come later" }).waitFor();
  check((await page.locator(".strip li").count()) > runs, "the strip has no new cell");
  await page.context().close();
}

async function act(browser, options, node) {
  const page = await newPage(browser, options);
  await page.goto(url + "/nodes/" + node);
  await page.locator("input[name=comment]").first().fill("PR 12");
  await page.getByRole("button", { name: "Acknowledge" }).first().click();
  await page.locator("main", { hasText: "looks after it" }).waitFor();
  await page.getByRole("link", { name: "Retire this node" }).click();
  await page.getByRole("link", { name: "Leave it" }).click();
  await page.getByRole("link", { name: "Retire this node" }).click();
  await page.getByRole("button", { name: "Retire it" }).click();
  await page.locator("main", { hasText: "Retired" }).waitFor();
  await page.goto(url + "/nodes?q=" + node);
  check((await page.locator("main").innerText()).includes("No node is like that"), node, "is listed although it is retired");
  await page.context().close();
}

await withBrowser(async (browser) => {
  const page = await newPage(browser);
  await findTheCause(page);
  await search(page);
  await zones(browser);
  await keyboard(page);
  await live(browser);
  await act(browser, {}, "app01.example.com");
  await act(browser, { javaScriptEnabled: false }, "db30.example.com");
});
