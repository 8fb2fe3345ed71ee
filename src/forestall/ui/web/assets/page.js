// Asks for the changing part of the page every two seconds and puts it in place; the server draws it.
"use strict";

const PERIOD_MS = 2000;
const LIMIT_MS = 8000;
const main = document.getElementById("now");
const live = document.getElementById("live");
const pause = document.getElementById("pause");
let paused = false;
let lastSeen = Date.now();

function say(text, state) {
  live.textContent = text;
  live.className = state;
}

function replace(html) {
  const open = [...main.querySelectorAll("details[open]")].map((one) => one.parentElement.className + one.className);
  const across = main.querySelector(".scroll")?.scrollLeft;
  main.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  for (const one of main.querySelectorAll("details")) {
    one.open = open.includes(one.parentElement.className + one.className);
  }
  const scroll = main.querySelector(".scroll");
  if (scroll && across) scroll.scrollLeft = across;
}

async function refresh() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch("/now", { signal: AbortSignal.timeout(LIMIT_MS) });
      if (!answer.ok) throw new Error(`answer ${answer.status}`);
      const html = await answer.text();
      if (!paused) {
        replace(html);
        lastSeen = Date.now();
        say("live", "ok");
      }
    } catch {
      const seconds = Math.round((Date.now() - lastSeen) / 1000);
      say(`no answer from forestall web for ${seconds} s`, "critical");
    }
  }
  setTimeout(refresh, PERIOD_MS);
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume" : "Pause";
  say(paused ? "paused" : "live", paused ? "warning" : "ok");
});
say("live", "ok");
setTimeout(refresh, PERIOD_MS);
