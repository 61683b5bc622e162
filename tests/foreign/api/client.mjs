// Makes types from the running node's document, compiles client.mts against them, and runs it.
// Reads {"http": url, "users": [...]} on standard input.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const bin = (name) => join(here, "node_modules", ".bin", name);
let input = "";
for await (const piece of process.stdin) input += piece;
const { http } = JSON.parse(input);

const scratch = mkdtempSync(join(tmpdir(), "zelo-api-"));
const run = (program, args, options = {}) => {
  const done = spawnSync(program, args, { cwd: scratch, encoding: "utf8", timeout: 120_000, ...options });
  if (done.status !== 0) {
    console.error(program, done.stdout, done.stderr);
    rmSync(scratch, { recursive: true });
    process.exit(1);
  }
  return done.stdout;
};
writeFileSync(join(scratch, "openapi.json"), await (await fetch(`${http}/api/v1/openapi.json`)).text());
writeFileSync(join(scratch, "package.json"), '{"type": "module"}');
copyFileSync(join(here, "client.mts"), join(scratch, "client.mts"));
symlinkSync(join(here, "node_modules"), join(scratch, "node_modules"));
run(bin("openapi-typescript"), ["openapi.json", "-o", "made.ts"]);
const compiler = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--types", "node"];
run(bin("tsc"), [...compiler, "client.mts", "made.ts"]);
process.stdout.write(run(process.execPath, ["client.mjs"], { input }));
rmSync(scratch, { recursive: true });
