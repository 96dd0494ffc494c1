import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";

/** Names that `.dockerignore` excludes from builds, such as editors' files. */
const ignoredName = /^(node_modules|README\.md|\.env.*|\.DS_Store|\.#.*|\..*\.sw.|.*~)$/;

/**
 * Hash of some files and folders: their paths and contents.
 *
 * @param inputs - paths below the project's folder, in which Pulumi runs the program
 * @param more - other values to hash, such as build arguments
 * @returns 16 hexadecimal digits
 */
export function contentHash(inputs: string[], more: string[] = []): string {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap(filesBelow).sort()) {
    const content = createHash("sha256").update(readFileSync(path)).digest("hex");
    hash.update(`${path}\0${content}\0`);
  }
  for (const value of more) hash.update(`${value}\0`);
  return hash.digest("hex").slice(0, 16);
}

/** The path of a file, or the paths of all files in a folder, with forward slashes. Links are no files. */
function filesBelow(input: string): string[] {
  if (!statSync(input).isDirectory()) return [input];
  return readdirSync(input, { withFileTypes: true })
    .filter(({ name }) => !ignoredName.test(name))
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(`${input}/${entry.name}`) : entry.isFile() ? [`${input}/${entry.name}`] : [],
    );
}
