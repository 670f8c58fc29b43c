// A to-do list in React: the provider opens the space, hooks say how it stands.
import { useState, type FormEvent } from 'react';
import { createRoot } from 'react-dom/client';
import type { TabSpace } from 'sealrelay/client/tabs';
import { SpaceProvider, useSealrelay } from 'sealrelay/react';
import { ConnectionBadge } from 'sealrelay/react/connection-badge';
import { SyncIndicator } from 'sealrelay/react/sync-indicator';
import 'sealrelay/react/styles.css';
import { openOrCreate, useTodos, type Todo } from './todos.js';

function App() {
  const [relay, setRelay] = useState<string | null>(null);
  const [open, setOpen] = useState(() => openOrCreate(null));
  const again = (): void => {
    location.hash = '';
    setOpen(null);
  };
  if (open === null) {
    const start = (event: FormEvent): void => {
      event.preventDefault();
      setOpen(() => openOrCreate(relay));
    };
    return (
      <form onSubmit={start}>
        <input name="relay" aria-label="Relay address" placeholder="sealrelay://…" required onChange={({ target }) => setRelay(target.value)} />
        <button>Start</button>
      </form>
    );
  }
  return (
    <SpaceProvider open={open}>
      <p>
        <ConnectionBadge /> <SyncIndicator />
      </p>
      <Todos again={again} />
    </SpaceProvider>
  );
}

function Todos({ again }: { readonly again: () => void }) {
  const { space, error } = useSealrelay<TabSpace>();
  const { todos, change } = useTodos(space);
  const [text, setText] = useState('');
  const add = (event: FormEvent): void => {
    event.preventDefault();
    change({ id: crypto.randomUUID(), text, done: false });
    setText('');
  };
  if (error !== null) {
    return (
      <p role="alert">
        {error.message}. <button onClick={again}>Try another</button>
      </p>
    );
  }
  return (
    <>
      <form onSubmit={add}>
        <input name="text" aria-label="What is to be done" required value={text} disabled={space === null} onChange={({ target }) => setText(target.value)} />
        <button disabled={space === null}>Add</button>
      </form>
      <ul>
        {todos.map((todo: Todo) => (
          <li key={todo.id}>
            <label className={todo.done ? 'done' : ''}>
              <input type="checkbox" checked={todo.done} disabled={space === null} onChange={() => change({ ...todo, done: !todo.done })} /> {todo.text}
            </label>
          </li>
        ))}
      </ul>
    </>
  );
}

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <main>
      <h1>To do</h1>
      <App />
    </main>,
  );
}
