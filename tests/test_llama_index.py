from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import TextNode

from rag.retrieve import Retriever
from rag.store import Store
from tests.echo import Echo


def test_nodes_carry_source_offsets_and_page(sample_store: Store) -> None:
    retriever = Retriever(sample_store)
    question = "What did the INF Treaty ban?"
    nodes = retriever.as_llama_index(k=3).retrieve(question)
    passages = retriever.retrieve(question, k=3)
    assert [node.node_id for node in nodes] == [passage.chunk.id for passage in passages]
    for node, passage in zip(nodes, passages, strict=True):
        document = sample_store.document(node.metadata["document_id"])
        assert document is not None
        assert node.text == document.text[node.metadata["start"] : node.metadata["end"]]
        assert isinstance(node.node, TextNode)
        assert (node.node.start_char_idx, node.node.end_char_idx) == (node.metadata["start"], node.metadata["end"])
        assert (node.metadata["source"], node.metadata["page"]) == (passage.chunk.source, passage.chunk.page)
        assert node.score == passage.score


def test_it_works_inside_llama_indexs_own_query_engine(sample_store: Store) -> None:
    retriever = Retriever(sample_store).as_llama_index(k=5)
    engine = RetrieverQueryEngine.from_args(retriever, llm=Echo())
    response = engine.query("When was the armistice in Korea signed?")
    assert "27 July 1953" in " ".join(str(response).split())
    assert len(response.source_nodes) == 5
    assert response.source_nodes[0].metadata["source"] == "korean-war-armistice.txt"
