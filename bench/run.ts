// `npm run bench` runs all short benchmarks. `npm run bench -- NAME` runs one benchmark.
// Each one starts a MySQL container. They print tables and assert no speed, because figures depend on the machine.
const short = ["paging", "index", "hashing", "million", "scale"];
const long = ["soak", "stack"];

const [name] = process.argv.slice(2);
if (name !== undefined && ![...short, ...long].includes(name)) {
  console.error(`The benchmark ${name} does not exist. Use one of ${[...short, ...long].join(", ")}.`);
  process.exit(1);
}
for (const bench of name === undefined ? short : [name]) {
  console.log(`\n== ${bench}`);
  await import(`./${bench}.ts`);
}
