// npm run bench: all of the measurements but the soak. npm run bench -- NAME: one of them.
// Each starts a MySQL of its own in a container (see tests/service/mysql.ts). They print tables and assert nothing about speed:
// figures depend on the machine, ratios less so.
const short = ["paging", "index", "hashing", "million", "scale"];
const long = ["soak"];

const [name] = process.argv.slice(2);
if (name !== undefined && ![...short, ...long].includes(name)) {
  console.error(`There is no bench ${name}. There are ${[...short, ...long].join(", ")}.`);
  process.exit(1);
}
for (const bench of name === undefined ? short : [name]) {
  console.log(`\n== ${bench}`);
  await import(`./${bench}.ts`);
}
