// Counts the words per sentence of Markdown files: `npx tsx tests/docs/sentences.ts FILE…`
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The sentences of paragraphs and lists, without code, headings, tables and comments. */
export function sentencesOf(markdown: string): string[] {
  return blocksOf(markdown).flatMap(split);
}

/** The sentences in the cells of tables, which may be fragments. */
export function tableSentencesOf(markdown: string): string[] {
  return cellsOf(markdown).flatMap(split);
}

/** Counts words. A word has a letter or a digit. */
export function wordsOf(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

export function mean(numbers: number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** The text without code blocks, comments and the targets of links. A piece of code counts as one word. */
function prose(markdown: string): string {
  return markdown
    .replaceAll(/^( *)```[^]*?^\1```/gm, "\n\n")
    .replaceAll(/<!--[^]*?-->/g, "")
    .replaceAll(/`[^`\n]+`/g, "CODE")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/<https?:[^>]*>/g, "LINK");
}

function blocksOf(markdown: string): string[] {
  return prose(markdown)
    .split(/\n[ \t]*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=#)|(?<=\n#.*)\n/)
    .map((block) => block.trim())
    .filter((block) => block && !/^(?:#|\||---)/.test(block) && !/^ {4}/.test(block))
    .map((block) => block.replace(/^(?:[-*]|\d+\.)\s+(?:\[.\] )?/, ""));
}

function cellsOf(markdown: string): string[] {
  return prose(markdown)
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s|:-]+$/.test(line))
    .flatMap((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .filter(Boolean);
}

/** Splits a text at the ends of sentences. */
function split(text: string): string[] {
  return text
    .replaceAll(/\s+/g, " ")
    .split(/(?<=[.!?]["”)*_]*)\s+(?=[\p{Lu}\d"“(*_`])/u)
    .filter((sentence) => wordsOf(sentence) > 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of process.argv.slice(2)) {
    const text = readFileSync(file, "utf8");
    const [inProse, inTables] = [sentencesOf(text), tableSentencesOf(text)].map((found) => found.map(wordsOf));
    const describe = (lengths: number[] = []) =>
      lengths.length === 0
        ? "none"
        : `${String(lengths.length)}, mean ${mean(lengths).toFixed(1)}, longest ${String(Math.max(...lengths))}`;
    console.log(`${file}: sentences ${describe(inProse)}; in tables ${describe(inTables)}`);
  }
}
