<?php
// The schema from attributes, an empty diff, a changed schema, the schema manager's introspection; the unit of work, DQL.
require '/usr/share/php/Doctrine/ORM/autoload.php';
use Doctrine\DBAL\{DriverManager, LockMode, ParameterType, Types\Types};
use Doctrine\ORM\{EntityManager, ORMSetup, Configuration, Tools\SchemaTool, Mapping as ORM, Tools\Pagination\Paginator, Mapping\Driver\AttributeDriver};
use Doctrine\Common\Collections\{ArrayCollection, Collection, Criteria};
function show(string $what, mixed $value): void { echo $what, ' ', preg_replace('/20\d\d-\d\d-\d\d[ T][\d:.+]+/', 'TIME', json_encode($value, JSON_UNESCAPED_SLASHES)), "\n"; }

function sorted(array $list): array { sort($list); return $list; }

#[ORM\Entity] #[ORM\Table(name: 'authors', options: ['comment' => 'who writes'])] #[ORM\Index(name: 'by_name', columns: ['name', 'born'], options: ['where' => '(money > (0)::numeric)'])] #[ORM\UniqueConstraint(name: 'one_email', columns: ['email'])]
class Author {
    #[ORM\Id, ORM\GeneratedValue(strategy: 'IDENTITY'), ORM\Column] public ?int $id = null;
    #[ORM\Column(length: 60, options: ['comment' => "it's the name"])] public string $name;
    #[ORM\Column(nullable: true)] public ?string $email = null;
    #[ORM\Column(type: 'decimal', precision: 10, scale: 2, options: ['default' => '0'])] public string $money = '0';
    #[ORM\Column(type: 'date', nullable: true)] public ?\DateTime $born = null;
    #[ORM\Column(type: 'datetimetz_immutable', options: ['default' => 'CURRENT_TIMESTAMP'])] public \DateTimeImmutable $made;
    #[ORM\Column(type: 'json', options: ['jsonb' => true], nullable: true)] public ?array $data = null;
    #[ORM\Column(type: 'simple_array', nullable: true)] public ?array $list = null;
    #[ORM\Column(type: 'boolean', options: ['default' => true])] public bool $ok = true;
    #[ORM\Column(type: 'bigint', nullable: true)] public ?string $big = null;
    #[ORM\Column(type: 'float', nullable: true)] public ?float $ratio = null;
    #[ORM\Column(type: 'guid', nullable: true)] public ?string $key = null;
    #[ORM\Column(type: 'blob', nullable: true)] public $photo = null;
    #[ORM\Version, ORM\Column(type: 'integer')] public int $version;
    #[ORM\OneToMany(targetEntity: Book::class, mappedBy: 'author', cascade: ['persist', 'remove'], orphanRemoval: true)] #[ORM\OrderBy(['title' => 'DESC'])] public Collection $books;
    #[ORM\ManyToOne(targetEntity: Author::class)] #[ORM\JoinColumn(onDelete: 'SET NULL')] public ?Author $boss = null;
    public function __construct(string $name) { $this->name = $name; $this->books = new ArrayCollection(); $this->made = new \DateTimeImmutable(); }
}
#[ORM\Entity] #[ORM\Table(name: '`order`', schema: 'more')]
class Book {
    #[ORM\Id, ORM\GeneratedValue(strategy: 'SEQUENCE'), ORM\SequenceGenerator(sequenceName: 'book_numbers', allocationSize: 10), ORM\Column(type: 'bigint')] public ?string $id = null;
    #[ORM\ManyToMany(targetEntity: Tag::class, cascade: ['persist'])] #[ORM\JoinTable(name: 'book_tags')] public Collection $tags;
    #[ORM\ManyToOne(inversedBy: 'books'), ORM\JoinColumn(nullable: false, onDelete: 'CASCADE')] public Author $author;
    #[ORM\Column(type: 'text')] public string $title;
    #[ORM\Column(type: 'smallint', options: ['unsigned' => true, 'default' => 7])] public int $pages = 7;
    public function __construct(Author $author, string $title) { $this->author = $author; $this->title = $title; $this->tags = new ArrayCollection(); $author->books->add($this); }
}
#[ORM\Entity] class Tag { #[ORM\Id, ORM\Column] public string $id; public function __construct(string $id) { $this->id = $id; } }
#[ORM\Entity, ORM\InheritanceType('JOINED'), ORM\DiscriminatorColumn(name: 'kind', type: 'string'), ORM\DiscriminatorMap(['cat' => Cat::class, 'dog' => Dog::class])] abstract class Animal { #[ORM\Id, ORM\GeneratedValue, ORM\Column] public ?int $id = null; #[ORM\Column] public string $name; }
#[ORM\Entity] class Cat extends Animal { #[ORM\Column] public int $lives = 7; }
#[ORM\Entity] class Dog extends Animal { #[ORM\Column(nullable: true)] public ?bool $barks = true; }

preg_match('#//(\w+)@([\d.]+):(\d+)/(\w+)#', $argv[1], $m);
$connection = DriverManager::getConnection(['driver' => 'pdo_pgsql', 'user' => $m[1], 'host' => $m[2], 'port' => (int) $m[3], 'dbname' => $m[4]]);
$config = new Configuration(); $config->setMetadataDriverImpl(new AttributeDriver([__DIR__])); $config->setProxyDir(sys_get_temp_dir() . '/proxies-' . getmypid()); $config->setProxyNamespace('P'); $config->setAutoGenerateProxyClasses(true);
$em = new EntityManager($connection, $config); $connection = $em->getConnection();
$classes = array_map($em->getClassMetadata(...), [Author::class, Book::class, Tag::class, Animal::class, Cat::class, Dog::class]);
$tool = new SchemaTool($em); $tool->createSchema($classes);
show('diff', $tool->getUpdateSchemaSql($classes, true));
$ann = new Author('Ann'); $ann->email = 'ann@x'; $ann->money = '12.50'; $ann->born = new \DateTime('1990-02-03'); $ann->data = ['x' => [1, null, 'ä']]; $ann->list = ['a', 'b']; $ann->big = '9007199254740993'; $ann->ratio = 0.1; $ann->key = '7d444840-9dc0-11d1-b245-5ffdce74fad2'; $ann->photo = "\x00\xff'";
$one = new Book($ann, 'one'); $one->tags->add(new Tag('t')); $one->tags->add(new Tag('u')); new Book($ann, 'two'); $em->persist($ann);
for ($i = 0; $i < 20; $i++) { $u = new Author("u$i"); $u->email = "u$i@x"; $u->money = (string) $i; $u->boss = $ann; $em->persist($u); }
$cat = new Cat(); $cat->name = 'Tom'; $dog = new Dog(); $dog->name = 'Rex'; $em->persist($cat); $em->persist($dog); $em->flush(); $em->clear();
$ann = $em->find(Author::class, 1); show('found', [$ann->name, $ann->money, $ann->born->format('Y-m-d'), $ann->data, $ann->list, $ann->ok, $ann->big, $ann->ratio, $ann->key, bin2hex(stream_get_contents($ann->photo)), $ann->version, $ann->books->map(fn ($b) => [$b->id, $b->title, $b->tags->map(fn ($t) => $t->id)->toArray()])->toArray()]);
show('dql', $em->createQuery('SELECT a.name, COUNT(b.id) n, SUM(b.pages) s, UPPER(CONCAT(a.name, :x)) u FROM Author a LEFT JOIN a.books b WITH b.pages > 1 WHERE a.name LIKE :p OR a.id IN (SELECT IDENTITY(c.author) FROM Book c) GROUP BY a.id, a.name HAVING COUNT(b.id) >= 0 ORDER BY n DESC, a.name ASC')->setParameters(['x' => '!', 'p' => 'u1%'])->setMaxResults(3)->getArrayResult());
$page = new Paginator($em->createQuery('SELECT a, b FROM Author a LEFT JOIN a.books b ORDER BY a.money DESC, a.id ASC')->setFirstResult(1)->setMaxResults(2)); show('page', [count($page), array_map(fn ($a) => $a->name, iterator_to_array($page))]);
show('builder', array_map(fn ($a) => $a->name, $em->createQueryBuilder()->select('a')->from(Author::class, 'a')->where('a.money BETWEEN :a AND :b')->andWhere('a.email IS NOT NULL')->andWhere('a.boss = :boss')->orderBy('a.id')->setParameters(['a' => '3', 'b' => 5, 'boss' => $ann])->getQuery()->getResult()));
show('criteria', count($ann->books->matching(Criteria::create()->where(Criteria::expr()->contains('title', 'w')))));
show('update', [$em->createQuery('UPDATE Author a SET a.money = a.money + 1, a.ok = false WHERE a.money > 15')->execute(), $em->createQuery('DELETE FROM Tag t WHERE t.id = ?1')->setParameter(1, 'none')->execute(), $em->createQuery('SELECT DATE_DIFF(:a, :b) d, COALESCE(a.ratio, 2) r, CASE WHEN a.ok = true THEN 1 ELSE 0 END c, SUBSTRING(a.name, 2, 1) s, a.born FROM Author a WHERE a.id = 1')->setParameters(['a' => '2020-03-01', 'b' => '2020-02-01'])->getArrayResult()]);
show('animals', array_map(fn ($a) => [get_class($a), $a->name], $em->getRepository(Animal::class)->findBy([], ['id' => 'ASC'])));
$em->wrapInTransaction(function ($em) use ($ann) { $em->lock($ann, LockMode::PESSIMISTIC_WRITE); $ann->name = 'Anna'; $em->remove($ann->books->first()); }); show('version', $em->find(Author::class, 1)->version);
$connection->setNestTransactionsWithSavepoints(true); $connection->beginTransaction(); $connection->executeStatement('delete from more.order'); try { $connection->transactional(function ($c) { $c->insert('tag', ['id' => 'in']); throw new \Exception('inner'); }); } catch (\Exception $e) { } $connection->rollBack(); show('kept', $connection->fetchOne('select count(*) from more.order'));
foreach ([['name' => 'd', 'email' => 'u1@x'], ['name' => null], ['name' => str_repeat('x', 70)], ['name' => 'e', 'boss_id' => 99], ['nope' => 1]] as $bad) { try { $connection->insert('authors', $bad + ['made' => 'now', 'version' => 1]); } catch (\Exception $e) { show('refused', [get_class($e), preg_replace('/\s+/', ' ', substr($e->getMessage(), 0, 160))]); } }
show('dbal', $connection->executeQuery('select name from authors where id in (?) and money >= ? order by id', [[1, 2, 3], '1'], [\Doctrine\DBAL\Connection::PARAM_INT_ARRAY, ParameterType::STRING])->fetchFirstColumn());
$manager = $connection->createSchemaManager(); $table = $manager->introspectTable('authors');
show('columns', array_map(fn ($c) => [$c->getName(), get_class($c->getType()), $c->getLength(), $c->getPrecision(), $c->getScale(), $c->getNotnull(), $c->getDefault(), $c->getAutoincrement(), $c->getComment(), $c->getPlatformOptions()], array_values($table->getColumns())));
show('indexes', sorted(array_map(fn ($i) => [$i->getName(), $i->getColumns(), $i->isUnique(), $i->getOptions()], array_values($table->getIndexes())))); show('keys', array_map(fn ($k) => [$k->getName(), $k->getLocalColumns(), $k->getForeignTableName(), $k->getOptions()], array_values($table->getForeignKeys())));
show('lists', [sorted($manager->listTableNames()), sorted(array_map(fn ($s) => [$s->getName(), $s->getAllocationSize()], $manager->listSequences())), sorted($manager->listSchemaNames())]);
$to = $manager->introspectSchema(); $changed = $to->getTable('authors'); $changed->addColumn('nick', 'string', ['length' => 20, 'default' => "x'y", 'comment' => 'new']); $changed->changeColumn('money', ['scale' => 3, 'precision' => 12, 'notnull' => false]); $changed->changeColumn('name', ['length' => 90, 'comment' => null]); $changed->dropColumn('list'); $changed->dropIndex('by_name'); $changed->addUniqueIndex(['nick', 'name'], 'nicks'); $changed->renameIndex('one_email', 'email_one'); $to->createTable('extra')->addColumn('a', 'integer', ['autoincrement' => true]);
$platform = $connection->getDatabasePlatform(); $sql = $platform->getAlterSchemaSQL($manager->createComparator()->compareSchemas($manager->introspectSchema(), $to)); show('alter', $sql); foreach ($sql as $line) { $connection->executeStatement($line); }
show('same', $platform->getAlterSchemaSQL($manager->createComparator()->compareSchemas($manager->introspectSchema(), $to))); $tool->dropSchema($classes); show('dropped', $manager->listTableNames());
