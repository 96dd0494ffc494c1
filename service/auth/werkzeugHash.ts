import { pbkdf2, randomInt, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const derivePbkdf2 = promisify(pbkdf2);
const deriveScrypt = promisify<string, string, number, ScryptOptions, Buffer>(scrypt);

/** Werkzeug's defaults. A hash takes 32 MiB and about 60 ms. */
const COST = { N: 32_768, r: 8, p: 1 };
const METHOD = ["scrypt", COST.N, COST.r, COST.p].join(":");
const KEY_LENGTH = 64;
const SALT_LENGTH = 16;

/** Limits of stored hashes. One row with a huge cost would block the process. */
const MAX_SCRYPT_BYTES = 128 * 1024 * 1024;
const MAX_SCRYPT_PARALLELIZATION = 16;
const MAX_PBKDF2_ITERATIONS = 2_000_000;

type Derive = (password: string, salt: string, length: number) => Promise<Buffer>;

/** Hashes a password as Werkzeug's `generate_password_hash` does, as `scrypt:32768:8:1$salt$hex`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = Array.from({ length: SALT_LENGTH }, () => alphabet.charAt(randomInt(alphabet.length))).join("");
  const key = await scryptOf(COST)(password, salt, KEY_LENGTH);
  return `${METHOD}$${salt}$${key.toString("hex")}`;
}

/** Checks a password against a hash in one of Werkzeug's formats, scrypt or pbkdf2. False for any other text. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, method = "", salt = "", hex = ""] = /^([^$]+)\$([^$]+)\$((?:[0-9a-f]{2}){16,64})$/.exec(stored) ?? [];
  const derive = parseMethod(method);
  if (derive === undefined) return false;
  const key = Buffer.from(hex, "hex");
  return timingSafeEqual(await derive(password, salt, key.length), key);
}

/** Whether `hashPassword` uses another method or cost than the stored hash. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith(`${METHOD}$`);
}

/** No password has this hash. A check against it takes as long as against a real one. */
export const unknownUserHash = `${METHOD}$${"-".repeat(SALT_LENGTH)}$${"00".repeat(KEY_LENGTH)}`;

function scryptOf(cost: typeof COST): Derive {
  // Node's default of 32 MiB is a few bytes too small for Werkzeug's parameters.
  const options = { ...cost, maxmem: 2 * MAX_SCRYPT_BYTES };
  return (password, salt, length) => deriveScrypt(password, salt, length, options);
}

function parseMethod(text: string): Derive | undefined {
  const [name, ...parameters] = text.split(":");
  if (name === "scrypt") {
    // Without parameters, Werkzeug uses its defaults.
    const [N, r, p, ...rest] = parameters.length === 0 ? [COST.N, COST.r, COST.p] : parameters.map(wholeNumber);
    if (!N || !r || !p || rest.length > 0) return undefined;
    const isPowerOfTwo = N > 1 && Number.isInteger(Math.log2(N));
    if (!isPowerOfTwo || 128 * N * r > MAX_SCRYPT_BYTES || p > MAX_SCRYPT_PARALLELIZATION) return undefined;
    return scryptOf({ N, r, p });
  }
  if (name === "pbkdf2") {
    const [digest, iterationText, ...rest] = parameters;
    const iterations = iterationText === undefined ? 1_000_000 : wholeNumber(iterationText);
    if (digest === undefined || !["sha1", "sha256", "sha512"].includes(digest)) return undefined;
    if (!iterations || iterations > MAX_PBKDF2_ITERATIONS || rest.length > 0) return undefined;
    return (password, salt, length) => derivePbkdf2(password, salt, iterations, length, digest);
  }
  return undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
