// Files that the page hands to the reader, and takes back.

import { make } from "./dom.js";

/** Offer `text` as a file. */
export function offer(name, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
