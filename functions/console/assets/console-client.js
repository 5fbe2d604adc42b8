// What moves by itself and what is quicker by key. Everything works without it.

(() => {
  const EVERY_MS = 2000;
  const live = document.getElementById("live");
  const lost = document.getElementById("lost");
  let etag;
  let timer;

  function say(text) {
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = text === "";
  }

  async function look() {
    try {
      const answer = await fetch(location.href, { headers: etag ? { "if-none-match": etag } : {}, cache: "no-store" });
      if (answer.status === 401)
        return say("Signed out: the token has expired or was taken away. Load the page again.");
      if (answer.status !== 200 && answer.status !== 304)
        return say(`The server answers ${answer.status}. It is asked again.`);
      say("");
      if (answer.status === 304) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("live");
      if (next === null) return;
      addCopyButtons(next);
      // Where somebody types or has a list open stays as it is, and so does what was unfolded.
      const callbacks = { beforeAttributeUpdated: (name) => name !== "open" };
      Idiomorph.morph(live, next, { ignoreActiveValue: true, restoreFocus: true, callbacks });
      if (document.title !== page.title) document.title = page.title;
      etag = answer.headers.get("etag") ?? undefined;
    } catch {
      say("The server can't be reached. What you see is not new; it is asked again.");
    }
  }

  async function go() {
    clearTimeout(timer);
    // Nobody sees a hidden tab: it looks again at once when it is shown.
    if (document.hidden) return;
    await look();
    timer = setTimeout(go, EVERY_MS);
  }

  if (live !== null) {
    document.addEventListener("visibilitychange", go);
    timer = setTimeout(go, EVERY_MS);
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.getElementById("search");
    if (search === null) return;
    event.preventDefault();
    search.select();
  });

  // A button beside what is there to be copied; what moves by itself gets it each time anew.
  function addCopyButtons(root) {
    for (const caption of root.querySelectorAll(".command figcaption")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      caption.append(" ", button);
    }
  }

  addCopyButtons(document);
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("button.copy");
    if (button === null) return;
    await navigator.clipboard.writeText(button.closest("figure").querySelector("[data-copy]").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), EVERY_MS);
  });

  // Asked again, whatever was typed: the form's own id has the server do it once.
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", () => {
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
    });
  }
})();
