import { pbkdf2, randomInt, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const derivePbkdf2 = promisify(pbkdf2);

/** Werkzeug's defaults: 32 MiB and some 60 ms for each hash. */
const COST = { N: 32_768, r: 8, p: 1 };
const KEY_LENGTH = 64;
const SALT_LENGTH = 16;

/** A stored hash that asks for more than this is not computed: one bad row must not occupy the process. */
const MAX_SCRYPT_BYTES = 128 * 1024 * 1024;
const MAX_SCRYPT_PARALLELIZATION = 16;
const MAX_PBKDF2_ITERATIONS = 2_000_000;

interface ScryptMethod {
  name: "scrypt";
  cost: typeof COST;
}

interface Pbkdf2Method {
  name: "pbkdf2";
  digest: string;
  iterations: number;
}

interface StoredHash {
  method: ScryptMethod | Pbkdf2Method;
  salt: string;
  key: Buffer;
}

/** Hashes a password as Werkzeug's `generate_password_hash` does: `scrypt:32768:8:1$salt$hex`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = Array.from({ length: SALT_LENGTH }, () => alphabet.charAt(randomInt(alphabet.length))).join("");
  const key = await deriveScrypt(password, salt, COST, KEY_LENGTH);
  return `${formatMethod(COST)}$${salt}$${key.toString("hex")}`;
}

/** Checks a password against a hash in one of Werkzeug's formats, scrypt or pbkdf2. False for any other text. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const hash = parseHash(stored);
  if (hash === undefined) return false;
  const { method, salt, key } = hash;
  const derived =
    method.name === "scrypt"
      ? await deriveScrypt(password, salt, method.cost, key.length)
      : await derivePbkdf2(password, salt, method.iterations, key.length, method.digest);
  return timingSafeEqual(derived, key);
}

/** Whether a stored hash is of another kind than `hashPassword` makes today. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith(`${formatMethod(COST)}$`);
}

/** No password's hash; checking against it takes as long as against a real one. */
export const unknownUserHash = `${formatMethod(COST)}$${"-".repeat(SALT_LENGTH)}$${"00".repeat(KEY_LENGTH)}`;

function formatMethod({ N, r, p }: typeof COST): string {
  return ["scrypt", N, r, p].join(":");
}

function deriveScrypt(password: string, salt: string, cost: typeof COST, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Node's default of 32 MiB is a few bytes short of what Werkzeug's parameters need.
    scrypt(password, salt, length, { ...cost, maxmem: 2 * MAX_SCRYPT_BYTES }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function parseHash(stored: string): StoredHash | undefined {
  const match = /^([^$]+)\$([^$]+)\$((?:[0-9a-f]{2}){16,64})$/.exec(stored);
  if (match === null) return undefined;
  const [, methodText = "", salt = "", hex = ""] = match;
  const method = parseMethod(methodText);
  return method && { method, salt, key: Buffer.from(hex, "hex") };
}

function parseMethod(text: string): ScryptMethod | Pbkdf2Method | undefined {
  const [name, ...parameters] = text.split(":");
  if (name === "scrypt") {
    // Without parameters, Werkzeug means its defaults.
    const [N, r, p, ...rest] = parameters.length === 0 ? [COST.N, COST.r, COST.p] : parameters.map(wholeNumber);
    if (!N || !r || !p || rest.length > 0) return undefined;
    const isPowerOfTwo = N > 1 && Number.isInteger(Math.log2(N));
    if (!isPowerOfTwo || 128 * N * r > MAX_SCRYPT_BYTES || p > MAX_SCRYPT_PARALLELIZATION) return undefined;
    return { name, cost: { N, r, p } };
  }
  if (name === "pbkdf2") {
    const [digest, iterationText, ...rest] = parameters;
    const iterations = iterationText === undefined ? 1_000_000 : wholeNumber(iterationText);
    if (digest === undefined || !["sha1", "sha256", "sha512"].includes(digest)) return undefined;
    if (!iterations || iterations > MAX_PBKDF2_ITERATIONS || rest.length > 0) return undefined;
    return { name, digest, iterations };
  }
  return undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
