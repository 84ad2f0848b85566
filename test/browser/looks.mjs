// Every page, in light and dark, on a desk and a phone, with and without JavaScript.
import { axe, check, newPage, url, wellFormed, withBrowser } from "./page.mjs";

await withBrowser(async (browser) => {
  const first = await newPage(browser);
  await first.goto(url + "/nodes?q=evil");
  const evil = await first.locator("tbody th a").getAttribute("href");
  const evilRun = await first.locator("tbody td a").first().getAttribute("href");
  await first.goto(url + "/resources");
  const evilResource = await first.locator("tbody a", { hasText: "script" }).getAttribute("href");
  const paths = ["/", "/nodes", "/nodes?outcome=errored&sort=-seen", "/nodes/db01.example.com", "/nodes/web00.example.com", "/nodes/app17.example.com/retire", "/resources", "/alerts", "/login", "/nodes/none", evil, evilRun, evilResource];
  await first.goto(url + "/nodes/db01.example.com");
  paths.push(await first.locator(".strip a").last().getAttribute("href"));

  for (const [look, options] of Object.entries({
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
    plain: { javaScriptEnabled: false },
  })) {
    const page = await newPage(browser, options);
    for (const path of paths) {
      const what = `${look} ${path.slice(0, 60)}`;
      await page.goto(url + path);
      if (look === "plain") {
        check((await page.locator("main").innerText()).length > 20, what, "is empty without JavaScript");
        continue;
      }
      await wellFormed(page, what);
      await axe(page, what);
    }
    await page.context().close();
  }
  // Hostile text is seen as text.
  for (const path of [evil, evilRun, evilResource]) {
    await first.goto(url + path);
    check((await first.locator("main").innerText()).includes("<script>window.pwned=1</script>"), path.slice(0, 40), "does not show what the node said");
  }
});
