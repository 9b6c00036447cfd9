// Holds the import directions of import-rules.mjs, and that no file was skipped in silence: a
// cruise that saw too few modules fails, as it would without a parser for TypeScript.
//
//   node .ci/check-imports.mjs [FOLDER] [FEWEST_MODULES]
import { cruise } from 'dependency-cruiser';
import { IMPORT_RULES } from './import-rules.mjs';

const [baseDir = process.cwd(), fewest = '500'] = process.argv.slice(2);
const { options, ...ruleSet } = IMPORT_RULES;
const { output } = await cruise(['shared', 'functions', 'infra', 'test'], {
  ...options,
  baseDir,
  validate: true,
  ruleSet,
});
const modules = output.modules.filter(({ source }) => /\.tsx?$/.test(source));
const { violations } = output.summary;
const said = violations.map(({ rule, from, to, cycle }) => {
  const path = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
  return `${rule.name}: ${from} → ${path}`;
});
if (modules.length < Number(fewest)) {
  said.push(
    `Only ${modules.length} modules were read, fewer than ${fewest}: the rest went unchecked.`,
  );
}
said.push(`${modules.length} modules, ${violations.length} imports against the rules.`);
process.stdout.write(`${said.join('\n')}\n`);
process.exitCode = said.length > 1 ? 1 : 0;
