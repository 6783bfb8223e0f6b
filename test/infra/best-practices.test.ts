import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { runstone } from "../../infra/runstone.ts";
import { readSettings, type StageSettings } from "../../infra/settings.ts";

const everything: StageSettings = {
  alarmEmail: "operator@example.com",
  limits: { plans: { standard: { requestsPerSecond: 1, burst: 1 } } },
  oidc: { issuer: "https://issuer.example/", audience: "runstone", jwksUrl: "https://issuer.example/keys" },
};

describe("the stacks pass the checks of AWS Solutions", () => {
  test.each([
    ["with no setting", {}],
    ["with every setting that adds something", everything],
  ])("%s", (_, settings) => {
    const outdir = mkdtempSync(join(tmpdir(), "runstone-synth-"));
    const app = new App({ outdir });
    runstone(app, "test", readSettings("test", settings));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    app.synth();
    const report = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8"));
    rmSync(outdir, { recursive: true });

    expect(report.pluginReports.flatMap(({ violations }: { violations: unknown[] }) => violations)).toEqual([]);
  });
});
