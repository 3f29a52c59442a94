"""Every pipeline that a party's manifest declares, as a DAG of its own."""

from truc import parties
from truc.on_airflow import party_dag

for manifest in parties.manifests():
    for pipeline in manifest.pipelines:
        globals()[pipeline.dag_id] = party_dag(manifest, pipeline)
