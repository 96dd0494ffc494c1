// `npm run bench` compares the index and logins with Flask. `npm run bench -- NAME` runs another benchmark.
// They print tables and assert no speed, because figures depend on the machine.
const benches = ["index", "million", "soak", "stack"];

const [name = "index"] = process.argv.slice(2);
if (!benches.includes(name)) {
  console.error(`The benchmark ${name} does not exist. Use one of ${benches.join(", ")}.`);
  process.exit(1);
}
await import(`./${name}.ts`);
