"use strict";
// Only the filter: without it the page is all there, and the browser's own search finds everything.
const filter = document.getElementById("filter");
const parts = [...document.querySelectorAll("main article")].map(
	(part) => ({ part, text: part.textContent.toLowerCase() }));
const entries = [...document.querySelectorAll("nav li")];
filter.hidden = false;
filter.addEventListener("input", () => {
	const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
	const shown = new Set();
	for (const { part, text } of parts) {
		part.hidden = !words.every((word) => text.includes(word));
		if (!part.hidden) {
			shown.add("#" + part.id);
		}
	}
	for (const entry of entries) {
		const target = entry.firstChild.getAttribute("href");
		entry.hidden = words.length > 0 && !shown.has(target) && parts.some(({ part }) => "#" + part.id === target);
	}
});
document.addEventListener("keydown", (event) => {
	if (event.key === "/" && document.activeElement !== filter) {
		event.preventDefault();
		filter.focus();
	} else if (event.key === "Escape" && document.activeElement === filter) {
		filter.value = "";
		filter.dispatchEvent(new Event("input"));
	}
});
