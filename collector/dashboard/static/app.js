"use strict";
// What a page can do without: times in the reader's zone, "/" for the search, and fresh content.

function localTimes(root) {
  for (const t of root.querySelectorAll("time[datetime]")) {
    const at = new Date(t.dateTime);
    if (isNaN(at) || t.title) continue;
    t.title = t.textContent;
    t.textContent = at.toLocaleString(undefined, {
      year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
    });
  }
}

// Nothing is replaced under the hands of who fills in a form or has opened something.
function inUse(main) {
  const active = document.activeElement;
  if (main.contains(active) && active.matches("input, textarea, select, button")) return true;
  for (const input of main.querySelectorAll("input:not([type=hidden])")) if (input.value !== input.defaultValue) return true;
  return String(document.getSelection()) !== "";
}

let last = "";

async function refresh() {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  if (document.hidden || inUse(main)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("main");
    live.textContent = "";
    document.querySelector("footer time").replaceWith(page.querySelector("footer time"));
    localTimes(document.querySelector("footer"));
    if (!fresh || fresh.innerHTML === last || inUse(main)) return;
    last = fresh.innerHTML;
    replace(main, fresh);
  } catch {
    live.textContent = "It cannot be refreshed now: what you see is as old as the time beside.";
  }
}

// The nodes of the parsed page are moved, so that what was text stays text. What was open
// stays open, and the focus where it was.
function replace(main, fresh) {
  const open = [...main.querySelectorAll("details")].map((d) => d.open);
  const links = [...main.querySelectorAll("a, summary, [tabindex]")];
  const focus = links.indexOf(document.activeElement);
  main.replaceChildren(...fresh.childNodes);
  main.querySelectorAll("details").forEach((d, i) => { if (open[i] !== undefined) d.open = open[i]; });
  localTimes(main);
  if (focus >= 0) {
    const now = main.querySelectorAll("a, summary, [tabindex]")[focus];
    if (now) now.focus({ preventScroll: true });
  }
}

// On a small screen the filters wait until they are asked for.
function foldFilters() {
  const filters = document.querySelector(".facets details");
  if (filters && matchMedia("(max-width: 800px)").matches) filters.open = false;
}

document.addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, textarea")) return;
  const search = document.getElementById("search");
  if (!search) return;
  e.preventDefault();
  search.focus();
  search.select();
});

last = document.getElementById("main").innerHTML;
localTimes(document);
foldFilters();
if (document.body.hasAttribute("data-live")) setInterval(refresh, 15000);
