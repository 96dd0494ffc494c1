import assert from "node:assert/strict";

import { type VolumeObject, volumeProblems } from "../../scripts/lib/volumes.ts";

describe("The size of a volume", () => {
  const claim = (name: string, namespace: string, storage: string, storageClassName: string): VolumeObject => ({
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace },
    spec: { storageClassName, resources: { requests: { storage } } },
  });
  const storageClass = (name: string, allowVolumeExpansion: boolean): VolumeObject => ({
    kind: "StorageClass",
    metadata: { name },
    allowVolumeExpansion,
  });
  const objects = (name: string) => [
    claim("data-mysql-0", "koa-blog", "1Gi", name),
    claim("data-elasticsearch-0", "logging", "5Gi", name),
    claim("data-mysql-0", "somebody-else", "9Gi", name),
    storageClass("standard", false),
    storageClass("growing", true),
  ];
  const problems = (mysqlStorage: string, name: string, elasticsearchStorage = "5Gi") =>
    volumeProblems(
      { namespace: "koa-blog", loggingNamespace: "logging", mysqlStorage, elasticsearchStorage },
      objects(name),
    );

  it("may stay, in any unit, and grow where the StorageClass allows it", () => {
    assert.deepEqual(problems("1Gi", "standard"), []);
    assert.deepEqual(problems("1024Mi", "standard"), []);
    assert.deepEqual(problems("2Gi", "growing", "6Gi"), []);
  });

  it("may be anything for a volume that does not exist yet", () => {
    const config = { namespace: "other", loggingNamespace: "none", mysqlStorage: "3Gi", elasticsearchStorage: "1Gi" };
    assert.deepEqual(volumeProblems(config, objects("standard")), []);
  });

  it("cannot grow elsewhere, and shrink nowhere: a problem with the way out", () => {
    const [larger, logs] = problems("2Gi", "standard", "6Gi");
    assert.equal(larger?.level, "problem");
    assert.equal(
      larger.message,
      "mysqlStorage is 2Gi, the volume has 1Gi, and the StorageClass standard cannot grow it",
    );
    assert.match(larger.remedy ?? "", /config set mysqlStorage 1Gi.*"npm run backup", "npm run destroy", "npm run up"/);
    assert.match(logs?.message ?? "", /^elasticsearchStorage is 6Gi/);
    assert.match(problems("512Mi", "growing")[0]?.message ?? "", /a volume cannot shrink/);
  });
});
