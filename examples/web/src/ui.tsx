import type { ReactNode } from 'react';

const PATHS = {
  home: 'M3 11 12 3l9 8v9a1 1 0 0 1-1 1h-5v-6H9v6H4a1 1 0 0 1-1-1z',
  list: 'M8 6h13M8 12h13M8 18h13M3.5 6h.01M3.5 12h.01M3.5 18h.01',
  gift: 'M3 8h18v4H3zM5 12h14v9H5zM12 8v13M12 8S8 8 7.5 5.5 10 2 12 8zM12 8s4 0 4.5-2.5S14 2 12 8z',
  person: 'M12 12a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM4 21c0-4 3.5-6 8-6s8 2 8 6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Card(props: { title: string; id: string; aside?: ReactNode; className?: string; children: ReactNode }) {
  return (
    <section className={`card ${props.className ?? ''}`} aria-labelledby={props.id}>
      <div className="head">
        <h2 id={props.id}>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}

export function Notice({ kind, children }: { kind: 'info' | 'done' | 'problem'; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === 'problem' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

export function Field(props: {
  id: string;
  label: string;
  hint?: string | undefined;
  problem?: string | null | undefined;
  children: (described: { id: string; 'aria-describedby': string; 'aria-invalid': boolean }) => ReactNode;
}) {
  const note = `${props.id}-note`;
  return (
    <div className="field">
      <label htmlFor={props.id}>{props.label}</label>
      {props.children({ id: props.id, 'aria-describedby': note, 'aria-invalid': Boolean(props.problem) })}
      <p id={note} className={props.problem ? 'problem' : 'hint'} role={props.problem ? 'alert' : undefined}>
        {props.problem ?? props.hint}
      </p>
    </div>
  );
}
