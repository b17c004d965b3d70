"""What this package itself comes with is whole, within its room, and told."""

from command import answer

from efnas.runs.pretrained import (
    FILE,
    SUPERNET,
    WEIGHTS,
    network_names,
    packaged_folder,
    pretrained_network,
    pretrained_supernet,
)


def test_every_file_is_the_one_that_its_card_names():
    cards = [pretrained_supernet(), *map(pretrained_network, network_names())]
    for network in cards:
        for ending in network.card["sha256"]:
            assert len(network.content(ending)) == network.card["bytes"].get(ending, len(network.content(ending)))
        assert network.card["trained_on"]["licence"].startswith("that of efnas")
    kept = {f"{network.name}{ending}" for network in cards for ending in (".json", *network.card["sha256"])}
    assert {path.name for path in packaged_folder().iterdir()} == kept


def test_they_take_no_more_than_their_room():
    sizes = {path: path.stat().st_size for path in packaged_folder().iterdir()}
    supernet = sum(size for path, size in sizes.items() if path.name.startswith(SUPERNET))
    assert 0 < supernet < 10_000_000 and sum(sizes.values()) - supernet < 6_000_000


def test_what_there_is_is_told():
    code, out, said = answer(["pretrained"])
    if not network_names():
        assert code == 2 and "without pre-trained networks but the supernet (efnas pretrained supernet)" in said
    else:
        assert code == 0 and all(name in out for name in network_names())
    code, out, _ = answer(["pretrained", SUPERNET])
    assert code == 0 and f"{SUPERNET}{WEIGHTS}" in out and FILE not in out
