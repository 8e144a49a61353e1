// A thread: makes markdown of the page that it is given, and ends. What a stranger wrote cannot hold the server up.
import { parentPort, workerData } from "node:worker_threads";
import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom";
import { parse, serialize } from "parse5";
import TurndownService from "turndown";

const { html }: { html: string } = workerData;

parentPort?.postMessage(toMarkdown(html));

/** Of an article its text, else of the whole page. */
function toMarkdown(text: string): string {
  const turndown = new TurndownService({ headingStyle: "atx", codeBlockStyle: "fenced", bulletListMarker: "-" });
  turndown.remove(["script", "style", "noscript", "iframe"]);
  const { document } = parseHTML(serialize(parse(text))); // whole, as a browser sees it: with the tags that a page may leave out
  const title = document.title.trim();
  const article = new Readability(document).parse();
  const body = turndown.turndown(article?.content ?? document.body.innerHTML).trim();
  return title === "" ? body : `# ${title}\n\n${body}`;
}
