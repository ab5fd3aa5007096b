// The official JavaScript client (@kubernetes/client-node) against `penstock dev`.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import * as k8s from '@kubernetes/client-node';

import { Server, eventually } from './server.mjs';

const pipes = { group: 'penstock.dev', version: 'v1alpha1', namespace: 'default', plural: 'pipes' };
const path = '/apis/penstock.dev/v1alpha1/namespaces/default/pipes';
const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);

const pipe = (name) => ({
  apiVersion: 'penstock.dev/v1alpha1',
  kind: 'Pipe',
  metadata: { name },
  spec: {
    paused: true,
    source: { postgres: { host: 'db.internal', database: 'shop' } },
    destination: { clickhouse: { url: 'http://ch.internal:8123' } },
    tables: [{ source: 'public.orders' }],
  },
});

describe('the official JavaScript client', () => {
  let server;
  let config;
  let custom;
  let core;
  before(async () => {
    server = await Server.start();
    config = new k8s.KubeConfig();
    config.loadFromFile(server.kubeconfig);
    custom = config.makeApiClient(k8s.CustomObjectsApi);
    core = config.makeApiClient(k8s.CoreV1Api);
  });
  after(() => server.remove());

  const gone = (name) => eventually(async () => {
    const list = await custom.listNamespacedCustomObject(pipes);
    return !list.items.some((item) => item.metadata.name === name);
  }, `${name} is gone`);

  it('creates, reads, lists, patches, replaces and deletes pipes', async () => {
    const created = await custom.createNamespacedCustomObject({ ...pipes, body: pipe('shop') });
    assert.equal(created.metadata.generation, 1);
    const one = { ...pipes, name: 'shop' };
    await custom.patchNamespacedCustomObject(
      { ...one, body: [{ op: 'add', path: '/metadata/labels', value: { team: 'a' } }] });
    await custom.patchNamespacedCustomObject({ ...one, body: { metadata: { labels: { team: 'b' } } } }, merge);
    assert.equal((await custom.listNamespacedCustomObject({ ...pipes, labelSelector: 'team=b' })).items.length, 1);
    assert.equal((await custom.listNamespacedCustomObject({ ...pipes, labelSelector: 'team=a' })).items.length, 0);
    await eventually(async () => {
      const object = await custom.getNamespacedCustomObject(one);
      object.spec.paused = true;
      object.spec.sync.interval = '1s';
      // The controller may have written meanwhile: a conflict says so, and it is read again.
      return custom.replaceNamespacedCustomObject({ ...one, body: object }).catch((error) => {
        assert.equal(error.code, 409);
      });
    }, 'replaced');
    const object = await custom.getNamespacedCustomObject(one);
    assert.equal(object.spec.sync.interval, '1s');
    await assert.rejects(
      custom.patchNamespacedCustomObject({ ...one, body: { spec: { mode: 'Sideways' } } }, merge),
      (error) => error.code === 422 && error.body.includes('spec.mode'));
    await custom.deleteNamespacedCustomObject(one);
    await gone('shop');
  });

  it('handles namespaces, Secrets, Events and any object', async () => {
    await core.createNamespace({ body: { metadata: { name: 'team' } } });
    await core.createNamespacedSecret({ namespace: 'team', body: { metadata: { name: 's' }, stringData: { a: 'b' } } });
    await core.patchNamespacedSecret(
      { namespace: 'team', name: 's', body: [{ op: 'add', path: '/data/c', value: 'ZA==' }] });
    await core.patchNamespacedSecret({ namespace: 'team', name: 's', body: { stringData: { e: 'f' } } },
      k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.StrategicMergePatch));
    assert.deepEqual((await core.readNamespacedSecret({ namespace: 'team', name: 's' })).data,
      { a: 'Yg==', c: 'ZA==', e: 'Zg==' });
    await core.deleteNamespace({ name: 'team' });
    await custom.createNamespacedCustomObject({ ...pipes, body: pipe('told') });
    const events = await eventually(async () => {
      const found = await core.listNamespacedEvent(
        { namespace: 'default', fieldSelector: 'involvedObject.name=told' });
      return found.items.length > 0 && found.items;
    }, 'an Event of the pipe');
    assert.ok(events[0].firstTimestamp instanceof Date);
    const objects = k8s.KubernetesObjectApi.makeApiClient(config);
    const read = await objects.read({ ...pipe('told'), metadata: { name: 'told', namespace: 'default' } });
    assert.equal(read.spec.paused, true);
    assert.equal((await objects.list('penstock.dev/v1alpha1', 'Pipe', 'default')).items.length, 1);
    await objects.delete(read);
    await gone('told');
  });

  it('keeps an informer right over a restart, and over changes that it has missed', async (t) => {
    const seen = [];
    const informer = k8s.makeInformer(config, path, () => custom.listNamespacedCustomObject(pipes));
    for (const verb of ['add', 'update', 'delete']) {
      informer.on(verb, (object) => seen.push(`${verb} ${object.metadata.name}`));
    }
    let wanted = true;
    t.after(() => {
      wanted = false;
      return informer.stop();
    });
    // The recipe of the client's own example: after an error begin again.
    informer.on('error', () => { if (wanted) setTimeout(() => informer.start(), 100); });
    await custom.createNamespacedCustomObject({ ...pipes, body: pipe('early') });
    await informer.start();
    await eventually(() => seen.includes('add early'), 'what there was');
    await custom.createNamespacedCustomObject({ ...pipes, body: pipe('late') });
    await eventually(() => seen.includes('add late'), 'what came');

    await server.stop();
    await server.run();
    await custom.createNamespacedCustomObject({ ...pipes, body: pipe('after') });
    await eventually(() => seen.includes('add after'), 'what came after the restart');

    // While it does not look, history moves on and is forgotten: its place is answered by 410, and it lists again.
    wanted = false;
    await informer.stop();
    await custom.deleteNamespacedCustomObject({ ...pipes, name: 'early' });
    await gone('early');
    await server.stop();
    await server.run();
    wanted = true;
    await informer.start();
    await eventually(() => seen.includes('delete early'), 'what went while it did not look');
    assert.equal(informer.list().map((object) => object.metadata.name).sort().join(), 'after,late');
  });

  it('watches by a selector, and sees what leaves it as it was', async (t) => {
    const events = [];
    const labelled = pipe('labelled');
    labelled.metadata.labels = { on: 'yes' };
    await custom.createNamespacedCustomObject({ ...pipes, body: labelled });
    const request = await new k8s.Watch(config).watch(
      path, { labelSelector: 'on=yes' }, (type, object) => events.push([type, object]), () => {});
    t.after(() => request.abort());
    await eventually(() => events.length > 0, 'the first event');
    await custom.patchNamespacedCustomObject(
      { ...pipes, name: 'labelled', body: { metadata: { labels: { on: 'no' } } } }, merge);
    const [, left] = await eventually(() => events.find(([type]) => type === 'DELETED'), 'it leaves');
    assert.deepEqual(left.metadata.labels, { on: 'yes' });
  });
});
