// The pictures of the documentation.
import { writeFileSync } from "node:fs";
import { newPage, url, withBrowser } from "./page.mjs";

const desk = { viewport: { width: 1100, height: 800 } };

await withBrowser(async (browser) => {
  for (const [name, path, options] of [
    ["overview-light", "/", { ...desk, colorScheme: "light" }],
    ["overview-dark", "/", { ...desk, colorScheme: "dark" }],
    ["overview-phone", "/", { viewport: { width: 360, height: 740 } }],
    ["node-light", "/nodes/db01.example.com", { ...desk, colorScheme: "light" }],
  ]) {
    const page = await newPage(browser, options);
    await page.goto(url + path);
    await page.reload(); // the runs of the last day have been counted by now
    writeFileSync(`${process.env.PICTURES}/${name}.png`, await page.screenshot());
    await page.context().close();
  }
});
