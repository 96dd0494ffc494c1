import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";

const MAX_ATTEMPTS = 10;
const WINDOW_MS = 5 * 60 * 1000;
/** Bounds the memory that made-up names can take. */
const MAX_NAMES = 10_000;

/** A brake on guessing passwords: counts attempts to log in by name and address, in this process. */
export class LoginAttempts {
  readonly #counts = new LRUCache<string, number>({ max: MAX_NAMES, ttl: WINDOW_MS, noUpdateTTL: true });

  /** Counts an attempt. Returns how many seconds to wait before the next one, 0 if there are attempts left. */
  count(username: string, address: string): number {
    const key = attemptKey(username, address);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count > MAX_ATTEMPTS ? Math.ceil(this.#counts.getRemainingTTL(key) / 1000) : 0;
  }

  /** Forgets the attempts, after the right password. */
  reset(username: string, address: string): void {
    this.#counts.delete(attemptKey(username, address));
  }
}

/** Spellings that MySQL takes for the same name, by case, accents or invisible characters, count as one. */
function attemptKey(username: string, address: string): string {
  const name = username
    .normalize("NFKD")
    .replace(/[\p{M}\p{C}]/gu, "")
    .toLowerCase();
  return createHash("sha256").update(`${address} ${name}`).digest("base64");
}
