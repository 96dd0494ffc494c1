import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { temporaryFolder } from "../temporaryFolder.ts";

/** The files of a project that the blog's image is built from. */
const files = [".dockerignore", "package.json", "package-lock.json", "service/app.ts", "service/Dockerfile", "db/a.ts"];

/** A small project in a folder of its own. Pulumi runs the program in the project's folder. */
export class TemporaryProject {
  readonly folder = temporaryFolder();

  constructor() {
    for (const file of files) this.write(file, file);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** Runs a function in the folder. */
  async run<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    const former = process.cwd();
    process.chdir(this.folder);
    try {
      return await work();
    } finally {
      process.chdir(former);
    }
  }
}
