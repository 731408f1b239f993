import { useEffect, useRef, useState, type FormEvent } from 'react';

import { SignInCodeDocument, SignInDocument, SignInLinkDocument } from '../gql/graphql';
import { inWords, refusalOf, type Refusal } from '../refusal';
import { signedIn, visitor, type SessionState } from '../session';
import { Field, Notice } from '../ui';

type Because = Extract<SessionState, { kind: 'out' }>['because'];

const WHY: Record<Because, string | null> = {
  never: null,
  'signed-out': 'You are signed out.',
  ended: 'Your session is over. Please sign in again.',
  left: 'You are signed out on this device. There was no connection, so the server could not be told.',
};

/** Keeps one key for what is sent again, until there is an answer. */
function useKey() {
  const kept = useRef<{ of: string; key: string } | null>(null);
  return {
    of(what: string): string {
      if (kept.current?.of !== what) kept.current = { of: what, key: crypto.randomUUID() };
      return kept.current.key;
    },
    answered(): void {
      kept.current = null;
    },
  };
}

/** E-mail addresses have an @, references of programs do not. */
function named(name: string) {
  return name.includes('@') ? { email: name } : { relationReference: name };
}

export function SignIn({ because, linkToken }: { because: Because; linkToken: string | null }) {
  const [name, setName] = useState('');
  const [link, setLink] = useState(linkToken);
  const [sent, setSent] = useState(false);
  return (
    <main className="entrance">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>Your points</h1>
      {WHY[because] && !sent && (
        <Notice kind="info">
          <p>{WHY[because]}</p>
        </Notice>
      )}
      {link ? (
        <ByLink token={link} onRefused={() => setLink(null)} />
      ) : sent ? (
        <Code name={name} onBack={() => setSent(false)} />
      ) : (
        <Name name={name} onName={setName} onSent={() => setSent(true)} />
      )}
    </main>
  );
}

function Name(props: { name: string; onName: (name: string) => void; onSent: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const key = useKey();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const name = props.name.trim();
    if (!name) return setProblem('Enter your e-mail address or your member number.');
    setBusy(true);
    const refusal = await sendCode(name, key.of(name));
    setBusy(false);
    if (refusal?.reason !== 'NO_ANSWER') key.answered();
    if (refusal) return setProblem(nameInWords(refusal));
    props.onName(name);
    props.onSent();
  };
  return (
    <form className="card" onSubmit={(event) => void send(event)} noValidate>
      <p>Sign in with a code that we send to you. There is no password to remember.</p>
      <Field id="name" label="E-mail address or member number" problem={problem}>
        {(described) => (
          <input
            {...described}
            value={props.name}
            onChange={(event) => (props.onName(event.target.value), setProblem(null))}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
          />
        )}
      </Field>
      <button className="button wide" disabled={busy}>
        {busy ? 'Sending…' : 'Send me a code'}
      </button>
    </form>
  );
}

function Code({ name, onBack }: { name: string; onBack: () => void }) {
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [again, setAgain] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const key = useKey();
  const sendKey = useKey();
  useEffect(() => input.current?.focus(), []);

  const enter = async (event: FormEvent) => {
    event.preventDefault();
    const typed = code.trim();
    if (!typed) return setProblem('Enter the code from the message.');
    setBusy(true);
    const variables = { ...named(name), code: typed, idempotencyKey: key.of(typed) };
    const { data, error } = await visitor.mutation(SignInDocument, variables).toPromise();
    setBusy(false);
    if (data?.sessionStartByCode) return signedIn(data.sessionStartByCode);
    const refusal = error && refusalOf(error);
    if (refusal?.reason !== 'NO_ANSWER') key.answered();
    setProblem(refusal ? inWords(refusal) : 'There was no answer. Please try again.');
    input.current?.focus();
  };
  const sendAgain = async () => {
    const refusal = await sendCode(name, sendKey.of(name));
    if (refusal?.reason !== 'NO_ANSWER') sendKey.answered();
    setProblem(null);
    setAgain(refusal ? inWords(refusal) : 'Another code is on its way. The one before is good no longer.');
  };
  return (
    <form className="card" onSubmit={(event) => void enter(event)} noValidate>
      <p>
        If <strong>{name}</strong> is a member, a code is on its way.
      </p>
      <Field id="code" label="Code" hint="It is good for a few minutes." problem={problem}>
        {(described) => (
          <input
            {...described}
            ref={input}
            className="code"
            value={code}
            onChange={(event) => (setCode(event.target.value), setProblem(null))}
            autoComplete="one-time-code"
            inputMode="numeric"
            required
          />
        )}
      </Field>
      <button className="button wide" disabled={busy}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
      <p className="hint" role="status">
        {again}
      </p>
      <div className="row spread">
        <button type="button" className="link" onClick={onBack}>
          Someone else
        </button>
        <button type="button" className="link" onClick={() => void sendAgain()}>
          Send another code
        </button>
      </div>
    </form>
  );
}

function ByLink({ token, onRefused }: { token: string; onRefused: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const key = useKey();
  const enter = async () => {
    setBusy(true);
    const variables = { token, idempotencyKey: key.of(token) };
    const { data, error } = await visitor.mutation(SignInLinkDocument, variables).toPromise();
    setBusy(false);
    if (data?.sessionStartByLink) return signedIn(data.sessionStartByLink);
    const refusal = error && refusalOf(error);
    if (refusal?.reason === 'OTP_INVALID') return setProblem('This link was used already, or has run out.');
    setProblem(refusal ? inWords(refusal) : 'There was no answer. Please try again.');
  };
  return (
    <div className="card">
      {problem && (
        <Notice kind="problem">
          <p>{problem}</p>
        </Notice>
      )}
      <button type="button" className="button wide" disabled={busy} onClick={() => void enter()}>
        {busy ? 'Signing in…' : 'Sign in with the link'}
      </button>
      <button type="button" className="link" onClick={onRefused}>
        Sign in with a code
      </button>
    </div>
  );
}

async function sendCode(name: string, idempotencyKey: string): Promise<Refusal | null> {
  const { error } = await visitor.mutation(SignInCodeDocument, { ...named(name), idempotencyKey }).toPromise();
  return error ? refusalOf(error) : null;
}

/** Here nobody is signed in yet: it is the page that the program does not know. */
function nameInWords(refusal: Refusal): string {
  if (refusal.reason === 'UNAUTHORIZED') return 'This page is set up for another program: its publishable key is unknown.';
  if (refusal.reason === 'FORBIDDEN') return 'The program does not allow this page: its origin is not in allowed_origins.';
  return inWords(refusal);
}
