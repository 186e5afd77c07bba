#!/usr/bin/env python3
"""Writes data/words/nouns.tsv: concrete nouns of one word with their synonyms and hypernyms, from WordNet.

    apt-get install wordnet-base wamerican wamerican-large
    tools/make_nouns.py

A noun is taken where its commonest sense is a thing that can be seen and pointed at, where the word is not more
often a verb or an adjective, and where the smaller word list knows it, or the larger one and WordNet's
explanation of another word (it has many that nobody uses). Seeds, which
absurd questions are about, are stricter: no rooms, roads and other places, no drinks and fabrics, no plurals, nothing
of the list below. The lists of what is left out were written by reading the result.
"""
import argparse
import collections
import pathlib
import re

THINGS = {5: "animal", 6: "artifact", 13: "food", 17: "object", 20: "plant"}
OTHERS = {8: "body", 18: "person", 27: "substance"}  # known as nouns, never seeds

# Synsets that everything is below: no use as kinds.
ROOTS = """entity physical_entity abstraction object physical_object whole unit artifact artefact thing matter organism being
living_thing animate_thing causal_agent cause causal_agency instrumentality instrumentation substance natural_object
part portion piece component_part component constituent psychological_feature attribute relation measure group
grouping chordate vertebrate craniate eutherian placental eutherian_mammal placental_mammal carnivore ungulate
hoofed_mammal vascular_plant tracheophyte woody_plant ligneous_plant spermatophyte phanerogam seed_plant
angiosperm flowering_plant herbaceous_plant arthropod invertebrate even-toed_ungulate artiodactyl
artiodactyl_mammal odd-toed_ungulate perissodactyl perissodactyl_mammal solid food_product foodstuff substance
body_part reproductive_structure plant_organ plant_part plant_structure natural_depression covering_material
device mechanism produce green_goods green_groceries garden_truck nutriment nourishment nutrition sustenance aliment
alimentation victuals conveyance consumer_goods commodity trade_good good article structure construction
implement domestic_animal domesticated_animal teleost_fish teleost teleostan bony_fish soft-finned_fish
spiny-finned_fish malacopterygian acanthopterygian unguiculate unguiculate_mammal""".split()

# What is below one of these is no seed.
NO_SEEDS_BELOW = """room.area facility.artifact way.artifact line.object beverage medicine.artifact drug.artifact
dairy_product sauce fabric.artifact bomb structure.place building_complex location land.object piece_of_land
body_of_water geological_formation universe microorganism pathogen contraceptive undergarment part.object
animal_order plumbing weapons_system""".split()

# Seeds in spite of what they are below.
TAKEN = """ladder stepladder chimney fireplace aquarium cupboard drawer birdcage beehive antler helmet globe barrel pipe
tube furnace""".split()

# Of sex and slurs: not in the file at all.
UNFIT = """slut bitch ass cock pussy dick prick tit tits boob bra brassiere thong panty panties lingerie negligee condom
dildo vibrator penis vagina phallus labium testis testicle scrotum clitoris vulva anus rectum ovum spermatozoon sperm
semen crap shit turd pecker faggot fag dyke homo spaz midget nigger negro kaffir gypsy squaw injun eskimo tranny crotch
hooker stripper bimbo whore prostitute harlot strumpet trollop hussy pimp brothel bordello whorehouse bagnio seraglio
harem boner knockers jockstrap suppository enema spade coon spic gook wop chink jap darky mulatto quadroon octoroon
half-caste halfbreed savage cripple retard imbecile moron cretin mongoloid pickaninny mammy blackface swastika nude
bust bum tramp cracker redneck hillbilly""".split()

LEFT_OUT = """beaver fairy vixen cougar chick broad skirt rag queer rump butt fanny behind posterior bottom dung feces
rubber whip shackle noose gallows underpants bikini stent catheter guillotine crematory crematorium coffin casket corpse carcass carrion
heroin cocaine crack crystal grass weed pot marijuana cannabis opium hashish joint speed
world earth universe nature sky sea ocean beach street road room kitchen city town village home house place scene
background ground floor wall ceiling air water weather land field park garden yard forest mountain hill valley
nothing something anything everything stuff item thing object piece part product stock set line side end top
bottom back front head body face hand arm leg foot eye ear mouth nose picture image photo photograph drawing
view screen page cover animal creature beast critter pet male female young plant tree food meal dish course
feed stock game prey host pest parent offspring chattel sport jack queen king knight bishop rook pawn
case unit base block point press cut break drop strike spring support control work works project release issue
instrument equipment tool device machine apparatus system structure building construction facility
shadow reflection darkness light color colour
first second third half quarter whole can must will may might mine saw fly bear seal swallow duck lead
crucifix
shroud hearse morgue knocker jugs balls nuts
intake outlet outfall setback throwback turnoff attachment attraction backup
affirmed assembly gulag impressionism mademoiselle naiad tarot embryo commissariat
papilla alimentation verdure armament appurtenance whatchamacallit thingamajig import addition additive
followup improvisation innovation masterpiece modernism original output overprint throughput stitch fake sham
aba abstractionism achondrite adjunct adjuvant adrenergic aecium agent ail aliment alluvium amphidiploid
anaerobe angiogram angiotensin anion antheridium antiaircraft antifungal antilepton antiparticle aquatic
archegonium art ascocarp ascomycete aspartame asylum attire audiovisual aviation baryon basidiomycete basidium
belay biennial binary blackbody blastocyst blastomere blastula bombproof bot boudoir bridgework butchery
calculus capsid cautery cellblock cesspool chauvinism chiaroscuro chlorophyll chloroplast collation comestible
commemorative commensal commodity concoction confection congeneric conidiophore consignment conspecific
constituent consulate contrivance counterfeit cryptogam cuticula cyberspace deathtrap deathwatch decor
decoration dibranchiate dicot diet diploid disposable downstage electrolytic embassy emblem emollient endocarp
endogen endosperm endospore entanglement entrant epicarp epiphyte equatorial eutherian exit exportation
facsimile fetus foetus foodstuff forage freight fruitage gametophore gametophyte gastronomy gastrula getup
gluten gunpoint haberdashery hackle half halftone handcraft handiwork haploid hemstitch hepatic hospice
humankind hymenium hyoscyamine hypha hypodermic iconography indusium inessential ingredient ingrowth inset
instrumentation intermixture intranet intrenchment jag jail jewfish john kamikaze kine lacuna lamasery
lamination linkup livelong madder madhouse malt mankind marihuana masonry medic megaspore merchandise micelle
microspore mike mortuary muff multivitamin muon myxomycete nonessential nosh nourishment nucellus nuke nutriment
obstruction oeuvre offal office oosphere openwork ornamental overhang paramagnet paraphernalia parasite part
pathogen penitentiary perforation perishable perithecium peyote phytoplankton pill pinstripe pixel pixy placenta
placental plankton plantigrade plasmid plasterwork plastid polychrome polyploid potluck prison promycelium
quadruplicate quaff quarterdeck recombinant reformatory refreshment repast repressor reproducer resuscitator
retardant retrenchment revetment rhizoid saprophyte scopolamine sediment segment semiautomatic sequencer
shipment showpiece sickbed sidetrack snack snippet sop soundtrack speakeasy spectrogram splay sporangium spore
sporophore sporophyll sporophyte spume starboard stigma straightaway subcompact superstructure surface
synchrotron takeaway takeout tampon testa thallus toiletry topside triplicate tubeless unguiculate urinal
vaccine vagabond vasoconstrictor vertebrate vespid viand victual virginal virion volva voodoo weenie whatnot
whipstitch woof wreckage xerophyte xylem zoospore
duplication forgery scenery inessential vegetarianism subsection desideratum roadkill horseback edging electron positron meson neutrino
antineutrino neutron proton quark pion lepton hadron boson photon nucleon ion molecule atom still retrofit scheduler upstairs upstage midstream impedimenta requisite""".split()


def read_data(path):
    """offset -> (lexicographer file, lemmas, hypernym offsets)."""
    synsets = {}
    for line in path.open(encoding="ascii"):
        if line.startswith("  "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        lemmas = [fields[4 + 2 * i] for i in range(count)]
        at = 4 + 2 * count
        above = []
        for i in range(int(fields[at])):
            sign, offset = fields[at + 1 + 4 * i], fields[at + 2 + 4 * i]
            if sign in ("@", "@i"):
                above.append((sign, offset))
        synsets[fields[0]] = (int(fields[1]), lemmas, above)
    return synsets


def read_index(path):
    """lemma -> offsets, commonest sense first."""
    index = {}
    for line in path.open(encoding="ascii"):
        if line.startswith("  "):
            continue
        fields = line.split()
        senses = int(fields[2])
        index[fields[0]] = fields[-senses:]
    return index


def read_counts(path):
    """(lemma, part of speech) -> how often it was met; 1 noun, 2 verb, 3 and 5 adjective, 4 adverb."""
    counts = {}
    for line in path.open(encoding="ascii"):
        sense, _, count = line.split()
        lemma, rest = sense.split("%")
        key = (lemma, "3" if rest[0] == "5" else rest[0])
        counts[key] = counts.get(key, 0) + int(count)
    return counts


def regular_plural(noun):
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


class WordNet:
    def __init__(self, folder):
        self.synsets = read_data(folder / "data.noun")
        self.index = read_index(folder / "index.noun")
        self.verbs, self.adjectives = read_index(folder / "index.verb"), read_index(folder / "index.adj")
        self.counts = read_counts(folder / "cntlist.rev")
        self.told = collections.Counter()  # in how many explanations of other words a word stands
        for part in ("noun", "verb", "adj", "adv"):
            for line in (folder / f"data.{part}").open(encoding="ascii"):
                self.told.update(set(re.findall(r"[a-z]+", line.partition(" | ")[2])))
        self.plurals, self.is_plural = {}, set()
        for line in (folder / "noun.exc").open(encoding="ascii"):
            plural, *singulars = line.split()
            for one in singulars:
                self.plurals.setdefault(one, []).append(plural)
            if plural not in singulars:
                self.is_plural.add(plural)

    def above(self, offset):
        """Nearest first; an instance (Paris, Moon) is of no kind here."""
        out, waiting = [], [offset]
        while waiting:
            for _, one in self.synsets[waiting.pop(0)][2]:
                if one not in out:
                    out.append(one)
                    waiting.append(one)
        return out

    def is_instance(self, offset):
        return any(sign == "@i" for sign, _ in self.synsets[offset][2])

    def other_speech(self, lemma):
        """More often a verb or an adjective than a noun."""
        noun = self.counts.get((lemma, "1"), 0)
        verb, adjective = self.counts.get((lemma, "2"), 0), self.counts.get((lemma, "3"), 0)
        return max(verb, adjective) > noun


def shown(lemma):
    return lemma.replace("_", " ")


def is_plain(lemma):
    return lemma == lemma.lower() and re.fullmatch(r"[a-z][a-z_-]*", lemma)


def kinds_of(net, offset, common):
    out = []
    for one in net.above(offset):
        for lemma in net.synsets[one][1][:2]:
            if lemma in ROOTS or not is_plain(lemma) or shown(lemma) in out:
                continue
            if one not in net.index[lemma][:2]:  # by this name people mean something else
                continue
            if "_" in lemma or lemma in common:
                out.append(shown(lemma))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wordnet", type=pathlib.Path, default=pathlib.Path("/usr/share/wordnet"))
    parser.add_argument("--words", type=pathlib.Path, default=pathlib.Path("/usr/share/dict/american-english"))
    parser.add_argument("--more-words", type=pathlib.Path, default=pathlib.Path("/usr/share/dict/american-english-large"))
    parser.add_argument("--out", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent / "data/words/nouns.tsv")
    args = parser.parse_args()
    net = WordNet(args.wordnet)
    common = set(args.words.read_text(encoding="utf-8").split())
    plain = set(common)
    common.update(word for word in args.more_words.read_text(encoding="utf-8").split() if net.told[word] > 0)
    names = {word for word in common if word != word.lower()}

    bars = set()
    for name in NO_SEEDS_BELOW:
        word, _, file = name.partition(".")
        for offset in net.index.get(word, []):
            kind = {**THINGS, **OTHERS}.get(net.synsets[offset][0], "place")
            if not file or kind == file:
                bars.add(offset)

    rows = {}
    for lemma, senses in net.index.items():
        if not re.fullmatch(r"[a-z]{3,}", lemma) or lemma not in common:
            continue
        offset = senses[0]
        file = net.synsets[offset][0]
        if lemma in UNFIT:
            continue
        if file not in THINGS and file not in OTHERS:
            continue
        if lemma not in net.synsets[offset][1] or net.is_instance(offset) or net.other_speech(lemma):
            continue
        if lemma in net.is_plural:  # "mice" has an entry of its own where it means something else
            continue
        plural = net.plurals.get(lemma, [""])[0]
        if plural not in plain or (regular_plural(lemma) in plain and lemma != "mouse"):
            plural = ""
        synonyms = [shown(one) for one in net.synsets[offset][1]
                    if one != lemma and net.index[one.lower()][0] == offset and one not in UNFIT
                    and is_plain(one) and ("_" in one or one in common)]
        kinds = kinds_of(net, offset, common)
        seed = (file in THINGS and lemma not in LEFT_OUT and (lemma.capitalize() not in names or net.counts.get((lemma, "1"), 0) > 0)
                and (lemma in TAKEN or not bars.intersection([offset, *net.above(offset)]))
                and not re.search(r"([^su]s|ing|wear|ware)$", lemma)
                and not (lemma.endswith("s") and lemma[:-1] in plain))
        rows[lemma] = (plural, synonyms, kinds, seed)

    notice = []
    for line in (args.wordnet / "data.noun").open(encoding="ascii"):
        if not line.startswith("  "):
            break
        notice.append("# " + line.split(None, 1)[1].rstrip() if len(line.split()) > 1 else "#")
    with args.out.open("w", encoding="ascii") as out:
        out.write("# Concrete nouns of one word, made from WordNet by tools/make_nouns.py. Its notice:\n#\n")
        out.write("\n".join(notice) + "\n#\n")
        out.write("# Columns: noun, plural where it is irregular, synonyms, kinds it belongs to, seed: fit to ask absurd"
                  " questions about.\n")
        out.write("noun\tplural\tsynonyms\tkinds\tflags\n")
        for noun, (plural, synonyms, kinds, seed) in sorted(rows.items()):
            out.write("\t".join([noun, plural or "-", ",".join(synonyms) or "-", ",".join(kinds) or "-",
                                 "seed" if seed else "-"]) + "\n")
    print(f"{len(rows)} nouns, {sum(row[3] for row in rows.values())} of them seeds: {args.out}")


if __name__ == "__main__":
    main()
