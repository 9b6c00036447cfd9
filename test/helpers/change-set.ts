import type { CfnLint, ResourceSchema } from './resource-schemas.ts';
import { PARTS, type Part, type Resource, resourcesOf, type Synthesised } from './synthesise.ts';

export type Action = 'create' | 'update' | 'replace' | 'delete' | 'keep';

export interface Change {
  readonly part: Part;
  readonly id: string;
  readonly type: string;
  readonly action: Action;
  /** A name that a replacement can't have while the old resource has it. */
  readonly collision?: string;
}

type Resources = Readonly<Record<string, Resource>>;

/**
 * What CloudFormation would do to bring one deployment to another: a resource is replaced when a property
 * changes that its schema calls create-only, or that refers to one which is replaced.
 */
export function changeSet(
  lint: CfnLint,
  before: Synthesised | undefined,
  after: Synthesised,
): readonly Change[] {
  return PARTS.flatMap((part) => {
    const old = before === undefined ? {} : resourcesOf(before.templates[part]);
    return partChanges(lint, part, old, resourcesOf(after.templates[part]));
  });
}

function partChanges(lint: CfnLint, part: Part, old: Resources, now: Resources): Change[] {
  const replaced = new Set<string>();
  for (;;) {
    const found = Object.keys(now).filter(
      (id) => !replaced.has(id) && isReplaced(lint, old[id], now[id], replaced),
    );
    if (found.length === 0) break;
    for (const id of found) replaced.add(id);
  }
  const changes = Object.entries(now).flatMap(([id, resource]): Change[] => {
    const was = old[id];
    const change = { part, id, type: resource.Type };
    if (was === undefined) return [{ ...change, action: 'create' }];
    if (replaced.has(id)) {
      const collision = fixedName(lint, was, resource);
      return [{ ...change, action: 'replace', ...(collision !== undefined && { collision }) }];
    }
    const isSame = same(was.Properties, resource.Properties);
    return isSame && !refersTo(resource.Properties, replaced)
      ? []
      : [{ ...change, action: 'update' }];
  });
  const gone = Object.entries(old)
    .filter(([id]) => now[id] === undefined)
    .map(([id, resource]): Change => ({ part, id, type: resource.Type, action: ending(resource) }));
  return [...changes, ...gone];
}

/** What becomes of every resource when its stack is deleted. */
export function removal(made: Synthesised): readonly Change[] {
  return PARTS.flatMap((part) =>
    Object.entries(resourcesOf(made.templates[part])).map(
      ([id, resource]): Change => ({ part, id, type: resource.Type, action: ending(resource) }),
    ),
  );
}

/** What stays when the creation of a stack is rolled back. */
export function leftByRollback(made: Synthesised, part: Part): readonly string[] {
  return Object.entries(resourcesOf(made.templates[part]))
    .filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain')
    .map(([id]) => id);
}

function ending({ DeletionPolicy: policy = 'Delete' }: Resource): Action {
  return policy === 'Delete' ? 'delete' : 'keep';
}

function isReplaced(
  lint: CfnLint,
  was: Resource | undefined,
  now: Resource | undefined,
  replaced: ReadonlySet<string>,
): boolean {
  if (was === undefined || now === undefined) return false;
  if (was.Type !== now.Type) return true;
  return createOnly(schemaOf(lint, now)).some((path) => {
    const value = at(now.Properties, path);
    return !same(at(was.Properties, path), value) || refersTo(value, replaced);
  });
}

/** The identifier that both have, where the template gives it and not CloudFormation. */
function fixedName(lint: CfnLint, was: Resource, now: Resource): string | undefined {
  const schema = schemaOf(lint, now);
  const names = (schema?.primaryIdentifier ?? []).map((pointer) => pathOf(pointer));
  const given = names
    .map((path) => at(now.Properties, path))
    .find(
      (value, index) => value !== undefined && same(value, at(was.Properties, names[index] ?? [])),
    );
  return given === undefined ? undefined : JSON.stringify(given);
}

function schemaOf(lint: CfnLint, { Type }: Resource): ResourceSchema | undefined {
  return lint.schema('us-east-1', Type);
}

function createOnly(schema: ResourceSchema | undefined): string[][] {
  return (schema?.createOnlyProperties ?? []).map(pathOf);
}

function pathOf(pointer: string): string[] {
  return pointer.replace('/properties/', '').split('/');
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (inner as Record<string, unknown> | undefined)?.[name],
    value,
  );
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether a value has a reference to one of these resources in it. */
function refersTo(value: unknown, ids: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { Ref: ref, 'Fn::GetAtt': attribute } = value as {
    Ref?: string;
    'Fn::GetAtt'?: readonly string[];
  };
  if (ref !== undefined && ids.has(ref)) return true;
  if (attribute?.[0] !== undefined && ids.has(attribute[0])) return true;
  return Object.values(value).some((inner) => refersTo(inner, ids));
}
