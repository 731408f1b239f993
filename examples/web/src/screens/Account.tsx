import { useState, type FormEvent } from 'react';
import { useMutation } from 'urql';

import { formatDate, formatDay } from '../format';
import {
  AddressChangeDocument,
  AddressCodeDocument,
  CardsDocument,
  ProfileDocument,
  ProfileUpdateDocument,
  type ProfileQuery,
} from '../gql/graphql';
import { useFresh, useKnown } from '../hooks';
import { inWords, refusalOf } from '../refusal';
import { signOut } from '../session';
import { Card, Field, Notice } from '../ui';

type Profile = NonNullable<ProfileQuery['me']>;

export function Account() {
  const { revision } = useKnown();
  const [{ data, error }] = useFresh(ProfileDocument, {}, revision);
  const [editing, setEditing] = useState(false);
  const [saved, setSaved] = useState(false);
  const me = data?.me;
  return (
    <>
      <h1>Account</h1>
      {saved && !editing && (
        <Notice kind="done">
          <p>Your profile is saved.</p>
        </Notice>
      )}
      <div className="grid">
        {me ? (
          <Card
            title="Your profile"
            id="profile"
            aside={
              !editing && (
                <button type="button" className="link" onClick={() => (setEditing(true), setSaved(false))}>
                  Edit
                </button>
              )
            }
          >
            {editing ? (
              <Edit me={me} onDone={(changed) => (setEditing(false), setSaved(changed))} />
            ) : (
              <Details me={me} />
            )}
          </Card>
        ) : (
          <p className="hint">{error ? inWords(refusalOf(error)) : 'Loading…'}</p>
        )}
        <Cards />
        <section className="card" aria-labelledby="session">
          <h2 id="session">Signed in on this device</h2>
          <button type="button" className="button quiet" onClick={() => void signOut()}>
            Sign out
          </button>
        </section>
      </div>
    </>
  );
}

function Details({ me }: { me: Profile }) {
  const { program } = useKnown();
  const facts: [string, string | null][] = [
    ['Member number', me.relationReference],
    ['Name', me.fullName],
    ['E-mail', me.emailId],
    ['Mobile', me.mobileNumber],
    ['Date of birth', me.dob && formatDate(me.dob)],
    ['Address', me.address],
    ['Member since', formatDay(me.enrolledAt, program.timeZone)],
    ['Your code to bring friends', me.referralCode],
  ];
  return (
    <dl>
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

const EDITED = [
  { key: 'fullName', label: 'Name', autoComplete: 'name', type: 'text' },
  { key: 'emailId', label: 'E-mail', autoComplete: 'email', type: 'email' },
  { key: 'mobileNumber', label: 'Mobile', autoComplete: 'tel', type: 'tel' },
  { key: 'address', label: 'Address', autoComplete: 'street-address', type: 'text' },
] as const;

// Where the member is reached: another one needs a code that is sent to one that it has.
const ADDRESSES: readonly string[] = ['emailId', 'mobileNumber'];

function Edit({ me, onDone }: { me: Profile; onDone: (changed: boolean) => void }) {
  const [updating, update] = useMutation(ProfileUpdateDocument);
  const [sending, sendCode] = useMutation(AddressCodeDocument);
  const [changing, changeAddress] = useMutation(AddressChangeDocument);
  const [code, setCode] = useState<string | null>(null);
  // The key of a code is another for each, and the same when it is sent again.
  const [keys] = useState(() => new Map<string, string>());
  const fetching = updating.fetching || sending.fetching || changing.fetching;
  const error = updating.error ?? sending.error ?? changing.error;
  const [values, setValues] = useState(() => Object.fromEntries(EDITED.map(({ key }) => [key, me[key] ?? ''])));
  const save = async (event: FormEvent) => {
    event.preventDefault();
    // Only what changed is sent; the empty text clears.
    const edited = EDITED.filter(({ key }) => values[key] !== (me[key] ?? ''));
    const changed = edited.map(({ key }): [string, string] => [key, (values[key] ?? '').trim()]);
    if (changed.length === 0) return onDone(false);
    const addresses = changed.filter(([key]) => ADDRESSES.includes(key));
    const others = changed.filter(([key]) => !ADDRESSES.includes(key));
    if (addresses.length > 0 && code === null && (me.emailId || me.mobileNumber)) {
      const sent = await sendCode({ idempotencyKey: crypto.randomUUID() });
      return sent.error ? undefined : setCode('');
    }
    const result = others.length > 0 ? await update({ input: Object.fromEntries(others) }) : null;
    if (result?.error) return;
    const moved = addresses.length > 0 ? await move(Object.fromEntries(addresses)) : null;
    if (!moved?.error) onDone(true);
  };
  const move = (addresses: { emailId?: string; mobileNumber?: string }) => {
    // The first address of all needs no code.
    if (code === null) return update({ input: addresses });
    const typed = code.trim();
    keys.set(typed, keys.get(typed) ?? crypto.randomUUID());
    return changeAddress({ ...addresses, code: typed, idempotencyKey: keys.get(typed)! });
  };
  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      {error && (
        <Notice kind="problem">
          <p>{inWords(refusalOf(error))}</p>
        </Notice>
      )}
      {EDITED.map(({ key, label, autoComplete, type }) => (
        <Field key={key} id={`profile-${key}`} label={label}>
          {(described) => (
            <input
              {...described}
              type={type}
              autoComplete={autoComplete}
              value={values[key]}
              onChange={(event) => setValues({ ...values, [key]: event.target.value })}
            />
          )}
        </Field>
      ))}
      {code !== null && (
        <Field id="profile-code" label="Code" hint="We sent a code to an address that you have: it proves that this is you.">
          {(described) => (
            <input
              {...described}
              className="code"
              value={code}
              onChange={(event) => setCode(event.target.value)}
              autoComplete="one-time-code"
              inputMode="numeric"
              required
            />
          )}
        </Field>
      )}
      <div className="row">
        <button className="button" disabled={fetching}>
          {fetching ? 'Saving…' : 'Save'}
        </button>
        <button type="button" className="button quiet" onClick={() => onDone(false)}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function Cards() {
  const { revision } = useKnown();
  const [{ data }] = useFresh(CardsDocument, { first: 20 }, revision);
  const cards = data?.me?.subRelations?.edges ?? [];
  if (cards.length === 0) return null;
  return (
    <Card title="Your cards" id="cards">
      <ul className="lines">
        {cards.map(({ node }) => (
          <li key={node.id}>
            <span>{node.type.charAt(0) + node.type.slice(1).toLowerCase().replaceAll('_', ' ')}</span>
            <strong>{node.cardLastFour ? `•••• ${node.cardLastFour}` : node.subRelationIdentifier}</strong>
          </li>
        ))}
      </ul>
    </Card>
  );
}
