import assert from "node:assert/strict";

import { type Exception, exceptions } from "./exceptions.ts";
import { writeManifests } from "./objects.ts";
import { checkov, type Finding, kubeScore, scannerProblem } from "./scanners.ts";

const scanners: [name: Finding["scanner"], scan: (file: string) => Promise<Finding[]>][] = [
  ["kube-score", kubeScore],
  ["checkov", checkov],
];

describe("The manifests of all targets", function () {
  this.timeout(120_000);

  for (const [name, scan] of scanners) {
    describe(`to ${name}`, () => {
      let findings: Finding[];
      const allowed = exceptions[name];
      const covers = ({ check, text, objects }: Exception, finding: Finding) =>
        check === finding.check && (text ?? finding.text) === finding.text && objects.includes(finding.object);

      before(async function () {
        const problem = await scannerProblem(name);
        if (problem !== undefined) {
          console.log(`      skipped, ${problem}`);
          this.skip();
        }
        findings = (await Promise.all((await writeManifests()).map(scan))).flat();
      });

      it("have no fault but those that exceptions.ts explains", () => {
        const faults = findings.filter((finding) => !allowed.some((exception) => covers(exception, finding)));
        const lines = faults.map(({ check, object, text }) => `${object}: ${check}: ${text}`);
        assert.deepEqual([...new Set(lines)], []);
      });

      it("have each fault that exceptions.ts explains", () => {
        const needless = allowed.flatMap((exception) =>
          exception.objects
            .filter((object) => !findings.some((finding) => covers({ ...exception, objects: [object] }, finding)))
            .map((object) => `${object}: ${exception.check}`),
        );
        assert.deepEqual(needless, []);
      });
    });
  }
});
