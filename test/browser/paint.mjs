// How long a cold browser waits for the first paint of a page.
import { check, newPage, url, withBrowser } from "./page.mjs";

await withBrowser(async (browser) => {
  for (const path of ["/", "/nodes"]) {
    const times = [];
    for (let i = 0; i < 7; i++) {
      const page = await newPage(browser, { extraHTTPHeaders: { Authorization: "Bearer " + process.env.TOKEN } });
      await page.goto(url + path);
      times.push(await page.evaluate(() => new Promise((done) => {
        new PerformanceObserver((l) => { for (const e of l.getEntries()) if (e.name === "first-contentful-paint") done(Math.round(e.startTime)); })
          .observe({ type: "paint", buffered: true });
      })));
      await page.context().close();
    }
    times.sort((a, b) => a - b);
    check(times[6] < 500, path, "is painted too late");
    console.log(`${path} first paint: median ${times[3]} ms, worst ${times[6]} ms (aim 500 ms)`);
  }
});
