import type { InputFile } from "./input-file.ts";

const CHARS_MAX = 65_536;

/** The first lines of a file that are not empty, each cut at 64 KiB. */
export async function firstLines(file: InputFile, count: number): Promise<string[]> {
  let text = "";
  for await (const piece of file.read()) {
    text += piece.toString("utf8");
    if (text.length >= CHARS_MAX || text.split("\n").length > count) break;
  }
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  text = text.replace(/^[\r\n]+/, "");
  return text.split(/\r?\n/, count).map((line) => line.slice(0, CHARS_MAX));
}
